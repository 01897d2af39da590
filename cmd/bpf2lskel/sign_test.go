package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bpf2lskel/bpf2lskel/internal/cms/cmstest"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
)

// identity makes a key and a certificate as files.
func identity(t *testing.T, o cmstest.Options) (cert, key string) {
	t.Helper()
	return cmstest.New(t, o).Write(t, t.TempDir())
}

// contents reads all files of a folder.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, name := range list(t, dir) {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(raw)
	}
	return files
}

// Generated first and signed later, on another machine, a package is the same as one that is signed at once.
func TestSign(t *testing.T) {
	obj := testobj.Compile(t, "globals", testobj.Options{})
	cert, key := identity(t, cmstest.Options{})
	inModule(t)
	mustRun(t, "-o", "at_once", "-target", "native", "-go-package", "p", "-sign-key", key, "-sign-cert", cert, obj)
	mustRun(t, "-o", "later", "-target", "native", "-go-package", "p", "-signed", obj)
	mustFail(t, "not signed", "verify", "-cert", cert, "later")
	unsigned := contents(t, "later")
	mustRun(t, "sign", "-key", key, "-cert", cert, "later")
	signed := contents(t, "later")
	for name, text := range signed {
		if strings.HasSuffix(name, ".sig") != (text != unsigned[name]) {
			t.Errorf("%s: sign has to write signatures, and nothing else", name)
		}
	}
	for name, text := range contents(t, "at_once") {
		if signed[name] != text {
			t.Errorf("%s: not the same", name)
		}
	}
	mustRun(t, "sign", "-key", key, "-cert", cert, "later")
	for name, text := range contents(t, "later") {
		if signed[name] != text {
			t.Errorf("%s: signed twice, two signatures", name)
		}
	}
	mustRun(t, "verify", "-cert", cert, "later", "at_once")
	// Generated again, what has not changed stays signed.
	mustRun(t, "-o", "later", "-target", "native", "-go-package", "p", "-signed", obj)
	mustRun(t, "-check", "-o", "later", "-target", "native", "-go-package", "p", "-signed", obj)
	mustRun(t, "verify", "-cert", cert, "later")
	mustRun(t, "-o", "later", "-target", "native", "-go-package", "p", "-signed", "-strip-lines", obj)
	mustFail(t, "not signed", "verify", "-cert", cert, "later")
}

// What a command signs is the same as what we do with the key.
func TestSignByCommand(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("openssl is not installed")
	}
	obj := testobj.Compile(t, "minimal", testobj.Options{})
	cert, key := identity(t, cmstest.Options{})
	foreign, _ := identity(t, cmstest.Options{})
	inModule(t)
	mustRun(t, "-o", "p", "-target", "native", "-sign-key", key, "-sign-cert", cert, obj)
	want := contents(t, "p")
	command := "openssl cms -sign -binary -noattr -md sha256 -outform DER -signer " + cert + " -inkey " + key
	for name := range want {
		if strings.HasSuffix(name, ".sig") {
			write(t, filepath.Join("p", name), "")
		}
	}
	mustFail(t, "another certificate", "sign", "-cmd", command, "-cert", foreign, "p")
	mustRun(t, "sign", "-cmd", command, "-cert", cert, "p")
	for name, text := range contents(t, "p") {
		if want[name] != text {
			t.Errorf("%s: not the same", name)
		}
	}
	mustFail(t, "signed attributes", "sign", "-cmd", strings.Replace(command, "-noattr ", "", 1), "p")
	mustFail(t, "exit status", "sign", "-cmd", "false", "p")
}

// Verify says what is wrong.
func TestVerify(t *testing.T) {
	obj := testobj.Compile(t, "minimal", testobj.Options{})
	cert, key := identity(t, cmstest.Options{Name: "one"})
	foreign, foreignKey := identity(t, cmstest.Options{Name: "two"})
	inModule(t)
	mustRun(t, "-o", "p", "-target", "native", "-sign-key", key, "-sign-cert", cert, obj)
	good := contents(t, "p")
	for name, text := range good {
		if strings.HasSuffix(name, ".go") {
			continue
		}
		for _, at := range []int{0, len(text) / 2, len(text) - 1} {
			bad := []byte(text)
			bad[at] ^= 4
			write(t, filepath.Join("p", name), string(bad))
			mustFail(t, "p/minimal_", "verify", "-cert", cert, "p")
		}
		write(t, filepath.Join("p", name), text)
	}
	mustRun(t, "verify", "-cert", cert, "p")
	mustFail(t, "another certificate", "verify", "-cert", foreign, "p")
	mustFail(t, "the key is not that of the certificate", "sign", "-key", foreignKey, "-cert", cert, "p")
	oldCert, oldKey := identity(t, cmstest.Options{NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour)})
	mustFail(t, "not valid at this time", "sign", "-key", oldKey, "-cert", oldCert, "p")
	mustFail(t, "not valid at this time", "verify", "-cert", oldCert, "p")
	mustFail(t, "no package", "verify", "-cert", cert, ".")
	mustRun(t, "-o", "unsigned", "-target", "native", obj)
	mustFail(t, "not generated with -signed", "sign", "-key", key, "-cert", cert, "unsigned")
	if out := mustRun(t, "verify", "-cert", cert, "p"); !bytes.Contains([]byte(out), []byte("CN=bpf2lskel test one")) {
		t.Errorf("does not say by whom:\n%s", out)
	}
}

// What has to be created by the runtime is not covered by any signature.
func TestNotSignable(t *testing.T) {
	obj := testobj.Compile(t, "storage_task", testobj.Options{})
	inModule(t)
	mustFail(t, "cannot be signed: map marks", "-o", "p", "-target", "native", "-signed", obj)
}
