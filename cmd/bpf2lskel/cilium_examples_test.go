package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Each C source of cilium/ebpf's examples gives a package unchanged, with the flags in its own
// generate directive.
func TestCiliumExamplesCompileUnchanged(t *testing.T) {
	list := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/cilium/ebpf")
	dir, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	examples := filepath.Join(strings.TrimSpace(string(dir)), "examples")
	sources, err := filepath.Glob(filepath.Join(examples, "*", "*.c"))
	if err != nil {
		t.Fatal(err)
	}
	inModule(t)
	packages := 0
	for _, source := range sources {
		name := filepath.Base(filepath.Dir(source))
		args := []string{"-o", name, "-tags", "linux", source, "--", "-I" + filepath.Join(examples, "headers"), asmHeaders(t)}
		if name == "uretprobe" { // for its registers
			args = append([]string{"-target", "amd64"}, args...)
		}
		if status, output := bpf2lskel(args...); status != 0 {
			t.Errorf("%s: exit status %d\n%s", name, status, output)
			continue
		}
		packages++
	}
	if packages != len(sources) || packages < 12 {
		t.Errorf("%d packages from %d sources", packages, len(sources))
	}
	if out, err := exec.Command("go", "vet", "./...").CombinedOutput(); err != nil {
		t.Errorf("go vet: %v\n%s", err, out)
	}
	t.Logf("%d of %d examples compile unchanged", packages, len(sources))
}

// asmHeaders is the flag that makes clang find asm/types.h on Debian.
func asmHeaders(t *testing.T) string {
	t.Helper()
	dirs, err := filepath.Glob("/usr/include/*-linux-gnu")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no headers for this machine: %v", err)
	}
	return "-idirafter" + dirs[0]
}

func TestWarnings(t *testing.T) {
	inModule(t)
	write(t, "names.bpf.c", `
const char *names[] = {"a", "b"};
char text[] __attribute__((section("license"), used)) = "GPL";
__attribute__((section("tc"), used)) int prog(void *ctx) { return names[(unsigned long)ctx & 1] != 0; }
`)
	output := mustRun(t, "-o", "skel", "names.bpf.c")
	want := "bpf2lskel: warning: names.bpf.c: section .data: pointer to .rodata.str1.1 at offset 0 of initialized data is not valid in the kernel"
	if strings.Count(output, want) != 1 { // once, for two targets
		t.Errorf("no %q in %q", want, output)
	}
	if _, err := os.Stat("skel/names_bpfel.go"); err != nil {
		t.Error(err)
	}
}
