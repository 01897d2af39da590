package codegen

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A program that imports a generated package but never opens it does not contain its object: the
// linker drops it.
func TestUnusedPackagesCostNothing(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	blob, err := os.ReadFile(filepath.Join(root, "examples/xdp/skel/counter_bpfel.blob"))
	if err != nil {
		t.Fatal(err)
	}
	for use, want := range map[string]bool{"println(skel.Key{}.Ifindex)": false, "_, err := skel.Open(); println(err)": true} {
		dir := t.TempDir()
		source := "package main\n\nimport \"github.com/bpf2lskel/bpf2lskel/examples/xdp/skel\"\n\nfunc main() { " + use + " }\n"
		if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(source), 0o644); err != nil {
			t.Fatal(err)
		}
		overlay, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(root, "internal/unused/main.go"): filepath.Join(dir, "main.go")}})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "overlay"), overlay, 0o644); err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(dir, "program")
		build := exec.Command("go", "build", "-overlay", filepath.Join(dir, "overlay"), "-o", out, "./internal/unused")
		build.Dir = root
		build.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
		if text, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		program, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if got := bytes.Contains(program, blob[len(blob)/2:]); got != want {
			t.Errorf("%s: program contains the blob: %v, want %v", use, got, want)
		}
		t.Logf("%s: %d bytes", use, len(program))
	}
}
