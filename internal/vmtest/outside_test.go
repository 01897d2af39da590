package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The command in docs/ci.md runs the tests of another module in a guest. One of them fails on
// purpose, and the command reports that.
func TestAnotherModule(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("../../docs/ci.md")
	if err != nil {
		t.Fatal(err)
	}
	const command = "go run github.com/bpf2lskel/bpf2lskel/internal/vmtest@latest -C . -kernel 6.1,6.12"
	if !strings.Contains(string(doc), "\n"+command+"\n") {
		t.Errorf("docs/ci.md does not contain the command %q", command)
	}
	dir := t.TempDir()
	sum, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"go.sum": string(sum),
		"go.mod": fmt.Sprintf(`module example.com/counter

go 1.26

require github.com/bpf2lskel/bpf2lskel/internal/vmtest v0.0.0

replace github.com/bpf2lskel/bpf2lskel/internal/vmtest => %s
`, here),
		"inner/counter_test.go": `//vmtest:all

package counter

import (
	"os"
	"strings"
	"testing"
)

func TestKernel(t *testing.T) {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil || !strings.HasPrefix(string(release), os.Getenv("BPF2LSKEL_VM")+".") {
		t.Errorf("%s, %v", release, err)
	}
	if data, err := os.ReadFile("testdata/word"); err != nil || string(data) != "word" {
		t.Errorf("testdata: %s, %v", data, err)
	}
}

func TestFails(t *testing.T) { t.Error("as it should") }
`,
		"inner/testdata/word": "word",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	args := strings.Fields(strings.Replace(strings.Replace(command, "@latest", "", 1), "6.1,6.12", "6.1", 1))
	vmtest := func(more ...string) (string, error) {
		cmd := exec.Command(args[0], append([]string{"run", "-mod=mod"}, append(args[2:], more...)...)...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := vmtest(); err == nil || !strings.Contains(out, "as it should") || !strings.Contains(out, "TestFails") || strings.Contains(out, "FAIL: TestKernel") {
		t.Errorf("a test that fails: %v\n%s", err, out)
	}
	if out, err := vmtest("-run", "TestNone"); err == nil || !strings.Contains(out, "no marked test matches") {
		t.Errorf("no test: %v\n%s", err, out)
	}
}
