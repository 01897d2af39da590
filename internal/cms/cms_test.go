package cms_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/bpf2lskel/bpf2lskel/internal/cms"
	"github.com/bpf2lskel/bpf2lskel/internal/cms/cmstest"
)

func keys(t *testing.T) map[string]crypto.Signer {
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]crypto.Signer{"RSA": r, "P-256": p256, "P-384": p384}
}

var data = bytes.Repeat([]byte("what is signed. "), 100)

// Signatures are deterministic and verify. Changing any byte of a signature or of the data makes
// verification fail.
func TestEveryByteCounts(t *testing.T) {
	for name, key := range keys(t) {
		t.Run(name, func(t *testing.T) {
			id := cmstest.New(t, cmstest.Options{Key: key})
			sig := id.Sign(t, data)
			if again := id.Sign(t, data); !bytes.Equal(sig, again) {
				t.Error("signing twice gives two signatures")
			}
			if err := cms.Verify(data, sig, id.Cert); err != nil {
				t.Fatal(err)
			}
			for i := range sig {
				for bit := range 8 {
					bad := bytes.Clone(sig)
					bad[i] ^= 1 << bit
					if err := cms.Verify(data, bad, id.Cert); err == nil {
						t.Errorf("byte %d, bit %d changed: still verifies", i, bit)
					}
				}
			}
			bad := bytes.Clone(data)
			bad[len(bad)/2] ^= 1
			if err := cms.Verify(bad, sig, id.Cert); !errors.Is(err, cms.ErrChanged) {
				t.Errorf("changed data: %v", err)
			}
		})
	}
}

func TestReasons(t *testing.T) {
	id := cmstest.New(t, cmstest.Options{Name: "one"})
	sig := id.Sign(t, data)
	other := cmstest.New(t, cmstest.Options{Name: "two"})
	impostor := cmstest.New(t, cmstest.Options{Name: "one", Serial: id.Cert.SerialNumber})
	for name, c := range map[string]struct {
		sig  []byte
		cert *x509.Certificate
		want error
	}{
		"foreign certificate":      {sig, other.Cert, cms.ErrForeign},
		"another key, same name":   {sig, impostor.Cert, cms.ErrChanged},
		"truncated":                {sig[:len(sig)-10], id.Cert, cms.ErrDamaged},
		"empty":                    {nil, id.Cert, cms.ErrDamaged},
		"bytes behind":             {append(bytes.Clone(sig), 0), id.Cert, cms.ErrDamaged},
		"as it should be, and was": {sig, id.Cert, nil},
	} {
		if err := cms.Verify(data, c.sig, c.cert); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := cms.Sign(data, other.Cert, id.Key); err == nil {
		t.Error("signed with a key that is not the certificate's")
	}
	for _, c := range []struct{ from, to time.Duration }{{-2 * time.Hour, -time.Hour}, {time.Hour, 2 * time.Hour}} {
		old := cmstest.New(t, cmstest.Options{NotBefore: time.Now().Add(c.from), NotAfter: time.Now().Add(c.to)})
		if err := cms.CheckTime(old.Cert, time.Now()); !errors.Is(err, cms.ErrExpired) {
			t.Errorf("certificate from %v to %v: %v", c.from, c.to, err)
		}
	}
}

// openssl verifies our signatures, and we verify openssl's.
func TestOpenSSL(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed")
	}
	for name, key := range keys(t) {
		t.Run(name, func(t *testing.T) {
			id := cmstest.New(t, cmstest.Options{Key: key})
			dir := t.TempDir()
			certFile, keyFile := id.Write(t, dir)
			file := filepath.Join(dir, "data")
			sigFile := filepath.Join(dir, "sig")
			if err := errors.Join(os.WriteFile(file, data, 0o600), os.WriteFile(sigFile, id.Sign(t, data), 0o600)); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command(openssl, "cms", "-verify", "-inform", "DER", "-in", sigFile, "-binary", "-content", file,
				"-certfile", certFile, "-noverify", "-out", "/dev/null").CombinedOutput()
			if err != nil {
				t.Errorf("openssl cms -verify: %v\n%s", err, out)
			}
			cmd := exec.Command(openssl, "cms", "-sign", "-binary", "-noattr", "-md", "sha256", "-outform", "DER", "-signer", certFile, "-inkey", keyFile)
			cmd.Stdin = bytes.NewReader(data)
			theirs, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			sig, err := cms.Normalize(theirs)
			if err != nil {
				t.Fatal(err)
			}
			if err := cms.Verify(data, sig, id.Cert); err != nil {
				t.Error(err)
			}
		})
	}
}
