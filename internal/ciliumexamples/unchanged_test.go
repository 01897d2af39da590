package ciliumexamples

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The ports behave like the examples with packages generated from the examples' own, unchanged C
// sources.
func TestUnchangedSources(t *testing.T) {
	needRoot(t)
	if Origin != Own {
		t.Skip("for guests: these are the ports of " + Origin)
	}
	dir := t.TempDir()
	run := func(name string, args ...string) string {
		t.Helper()
		out, err := exec.Command(name, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	run("go", "run", "./overlay", "-o", dir)
	overlay := filepath.Join(dir, "overlay.json")
	run("go", "vet", "-overlay", overlay, ".")
	ports := filepath.Join(dir, "ports.test")
	run("go", "test", "-c", "-overlay", overlay, "-o", ports, ".")
	out := run(ports, "-test.v", "-test.skip=^TestUnchangedSources$")
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(out)
		}
	})

	// Tests without probes at functions run on every machine.
	var passed []string
	for _, m := range regexp.MustCompile(`(?m)^--- PASS: (\w+)`).FindAllStringSubmatch(out, -1) {
		passed = append(passed, m[1])
	}
	for _, test := range []string{
		"TestOrigin", "TestCgroupSKB", "TestTCPRTTSockops", "TestMapInMap", "TestTCX", "TestTracepointInC", "TestTracepointInGo", "TestXDP", "TestXDPLiveFrame",
	} {
		if !slices.Contains(passed, test) {
			t.Errorf("%s did not pass", test)
		}
	}
}
