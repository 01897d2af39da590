package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bpf2lskel/bpf2lskel/codegen"
	"github.com/bpf2lskel/bpf2lskel/internal/cms/cmstest"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
)

// identity writes a new key and its certificate to files.
func identity(t *testing.T, o cmstest.Options) (cert, key string) {
	t.Helper()
	return cmstest.New(t, o).Write(t, t.TempDir())
}

// contents returns the contents of all files in a directory.
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

// A package that is generated first and signed later, on another machine, equals one that is signed
// when it is generated.
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
			t.Errorf("%s: sign must write signatures only", name)
		}
	}
	for name, text := range contents(t, "at_once") {
		if signed[name] != text {
			t.Errorf("%s: the contents differ", name)
		}
	}
	mustRun(t, "sign", "-key", key, "-cert", cert, "later")
	for name, text := range contents(t, "later") {
		if signed[name] != text {
			t.Errorf("%s: signing twice gives two signatures", name)
		}
	}
	mustRun(t, "verify", "-cert", cert, "later", "at_once")
	// Generating an unchanged package again keeps its signatures.
	mustRun(t, "-o", "later", "-target", "native", "-go-package", "p", "-signed", obj)
	mustRun(t, "-check", "-o", "later", "-target", "native", "-go-package", "p", "-signed", obj)
	mustRun(t, "verify", "-cert", cert, "later")
	mustRun(t, "-o", "later", "-target", "native", "-go-package", "p", "-signed", "-strip-lines", obj)
	mustFail(t, "not signed", "verify", "-cert", cert, "later")
}

// Signing with a command gives the same signatures as signing with the key.
func TestSignWithCommand(t *testing.T) {
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
			t.Errorf("%s: the contents differ", name)
		}
	}
	mustFail(t, "signed attributes", "sign", "-cmd", strings.Replace(command, "-noattr ", "", 1), "p")
	mustFail(t, "exit status", "sign", "-cmd", "false", "p")
}

// Verify reports what is wrong.
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
	mustFail(t, "the key does not belong to the certificate", "sign", "-key", foreignKey, "-cert", cert, "p")
	oldCert, oldKey := identity(t, cmstest.Options{NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour)})
	mustFail(t, "not valid at this time", "sign", "-key", oldKey, "-cert", oldCert, "p")
	mustFail(t, "not valid at this time", "verify", "-cert", oldCert, "p")
	mustFail(t, "no package", "verify", "-cert", cert, ".")
	mustRun(t, "-o", "unsigned", "-target", "native", obj)
	mustFail(t, "not generated with -signed", "sign", "-key", key, "-cert", cert, "unsigned")
	if out := mustRun(t, "verify", "-cert", cert, "p"); !bytes.Contains([]byte(out), []byte("CN=bpf2lskel test one")) {
		t.Errorf("the signer is missing:\n%s", out)
	}
}

// Each kernel verifies only its own form of signature, so verify requires all of them.
func TestVerifyWantsEveryProtocol(t *testing.T) {
	obj := testobj.Compile(t, "minimal", testobj.Options{})
	cert, key := identity(t, cmstest.Options{})
	inModule(t)
	mustRun(t, "-o", "p", "-target", "native", "-sign-key", key, "-sign-cert", cert, obj)
	mustRun(t, "verify", "-cert", cert, "p")
	for form, kernels := range kernelsOf {
		name := ""
		for file := range contents(t, "p") {
			if strings.HasSuffix(file, codegen.SignatureFile(spec.SignedForm(form))) && (form > 0 || strings.Count(file, ".") == 1) {
				name = filepath.Join("p", file)
			}
		}
		good := contents(t, "p")[filepath.Base(name)]
		write(t, name, "")
		mustFail(t, kernels+": not signed", "verify", "-cert", cert, "p")
		write(t, name, good)
	}
	mustRun(t, "verify", "-cert", cert, "p")
}

// Verify checks the hash in the package's Go file: with another hash, the kernel would refuse the
// loader.
func TestVerifyReadsTheGoFile(t *testing.T) {
	obj := testobj.Compile(t, "minimal", testobj.Options{})
	cert, key := identity(t, cmstest.Options{})
	inModule(t)
	mustRun(t, "-o", "p", "-target", "native", "-sign-key", key, "-sign-cert", cert, obj)
	for name, text := range contents(t, "p") {
		if strings.HasSuffix(name, ".go") {
			at := strings.Index(text, `LoaderHash: "\x`) + len(`LoaderHash: "\x`)
			changed := []byte(text)
			changed[at] = "10"[changed[at]&1]
			write(t, filepath.Join("p", name), string(changed))
		}
	}
	mustFail(t, "does not match", "verify", "-cert", cert, "p")
	mustFail(t, "does not match", "sign", "-key", key, "-cert", cert, "p")
}

// Neither sign nor verify accepts a certificate that some kernel rejects.
func TestWeakCertificates(t *testing.T) {
	obj := testobj.Compile(t, "minimal", testobj.Options{})
	good := cmstest.New(t, cmstest.Options{Name: "one"})
	cert, key := good.Write(t, t.TempDir())
	inModule(t)
	mustRun(t, "-o", "p", "-target", "native", "-sign-key", key, "-sign-cert", cert, obj)
	bits := func(n int) crypto.Signer {
		key, err := rsa.GenerateKey(rand.Reader, n)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]cmstest.Options{
		"RSA key of 1024 bits": {Key: bits(1024)},
		"RSA key of 2560 bits": {Key: bits(2560)},
		"ECDSA key on P-224":   {Key: p224},
		// It has the key, name and serial number of the certificate that signed.
		"signed by SHA1-RSA": {Key: good.Key, Name: "one", Serial: good.Cert.SerialNumber, Algorithm: x509.SHA1WithRSA},
	} {
		t.Run(name, func(t *testing.T) {
			cert, key := identity(t, o)
			mustFail(t, name, "verify", "-cert", cert, "p")
			mustFail(t, name, "sign", "-key", key, "-cert", cert, "p")
			mustFail(t, name, "sign", "-cmd", "false", "-cert", cert, "p")
			mustFail(t, name, "-o", "q", "-target", "native", "-sign-key", key, "-sign-cert", cert, obj)
		})
	}
	// Without a certificate, the signature shows the size of its key.
	if _, err := exec.LookPath("openssl"); err == nil {
		cert, key := identity(t, cmstest.Options{Key: bits(1024)})
		mustFail(t, "RSA key of 1024 bits", "sign", "-cmd",
			"openssl cms -sign -binary -noattr -md sha256 -outform DER -signer "+cert+" -inkey "+key, "p")
	}
	mustRun(t, "verify", "-cert", cert, "p")
}

// An object with parts that the runtime must create cannot be signed: no signature covers them.
func TestNotSignable(t *testing.T) {
	obj := testobj.Compile(t, "storage_task", testobj.Options{})
	inModule(t)
	mustFail(t, "cannot be signed: a loader program cannot create map marks", "-o", "p", "-target", "native", "-signed", obj)
}
