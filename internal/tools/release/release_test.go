package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

const version = "v0.98.76"

// clone returns a clone of the checkout, with uncommitted changes, as one commit.
func clone(t *testing.T) tree {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "clone")
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	list := exec.Command("git", "ls-files", "-z", "-co", "--exclude-standard")
	list.Dir = root
	names, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(names), "\x00"), "\x00") {
		data, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue // deleted, but not committed
		}
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tr := tree{root: dir}
	git(t, tr, "init", "-q")
	commit(t, tr)
	return tr
}

func git(t *testing.T, tr tree, args ...string) string {
	t.Helper()
	out, err := tr.command(".", "git", append([]string{"-c", "user.name=test", "-c", "user.email=test@example.com"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func commit(t *testing.T, tr tree) {
	t.Helper()
	git(t, tr, "add", "-A")
	git(t, tr, "commit", "-q", "-m", "test")
}

func TestRelease(t *testing.T) {
	tr := clone(t)
	out := filepath.Join(t.TempDir(), "dist")
	here := runtime.GOOS + "/" + runtime.GOARCH
	release := func(args ...string) error {
		return run(append([]string{args[0], "-root", tr.root}, args[1:]...))
	}
	refused := func(err error, why string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("got %v, want %q", err, why)
		}
	}
	refused(release("build", "-o", out, version), "does not state "+version)
	refused(release("prepare", "1.2"), "want one version")
	if err := release("prepare", version); err != nil {
		t.Fatal(err)
	}
	refused(release("build", "-o", out, version), "uncommitted changes")
	refused(release("prepare", version), "is empty under")
	commit(t, tr)
	t.Setenv("GIT_COMMITTER_NAME", "test")
	t.Setenv("GIT_COMMITTER_EMAIL", "test@example.com")
	if err := release("build", "-o", out, "-platforms", here, version); err != nil {
		t.Fatal(err)
	}
	refused(release("build", "-o", out, version), "exists")

	bin := filepath.Join(out, "bpf2lskel-"+version+"-"+strings.ReplaceAll(here, "/", "-"))
	said, err := exec.Command(bin, "-version").CombinedOutput()
	if err != nil || !bytes.Contains(said, []byte("bpf2lskel "+version+",")) {
		t.Errorf("-version: %s, %v", said, err)
	}
	check := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")
	check.Dir = out
	if said, err := check.CombinedOutput(); err != nil {
		t.Errorf("checksums: %v\n%s", err, said)
	}
	again := filepath.Join(t.TempDir(), "dist")
	if err := release("build", "-o", again, "-platforms", here, version); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{filepath.Base(bin), "SHA256SUMS", "NOTES.md"} {
		one, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			t.Fatal(err)
		}
		other, err := os.ReadFile(filepath.Join(again, name))
		if err != nil || !bytes.Equal(one, other) {
			t.Errorf("%s differs between two releases: %v", name, err)
		}
	}

	if err := release("tag", version); err != nil {
		t.Fatal(err)
	}
	if got, want := git(t, tr, "tag"), "internal/vmtest/"+version+"\nruntime/legacy/"+version+"\n"+version; got != want {
		t.Errorf("tags %q, want %q", got, want)
	}
	refused(release("tag", version), "already exists")
}
