// Package cmstest makes keys and certificates for tests.
package cmstest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/bpf2lskel/bpf2lskel/internal/cms"
)

// Options configures a certificate. The zero value means a certificate of a new RSA key that is
// valid today.
type Options struct {
	Key                 crypto.Signer
	Name                string
	Serial              *big.Int
	NotBefore, NotAfter time.Time
	// Algorithm signs the certificate itself; 0 means the key's algorithm with SHA-256.
	Algorithm x509.SignatureAlgorithm
}

// Identity is a key with its certificate.
type Identity struct {
	Key  crypto.Signer
	Cert *x509.Certificate
}

// New returns a new identity.
func New(t testing.TB, o Options) *Identity {
	t.Helper()
	var err error
	if o.Key == nil {
		if o.Key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			t.Fatal(err)
		}
	}
	if o.Serial == nil {
		if o.Serial, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 63)); err != nil {
			t.Fatal(err)
		}
	}
	if o.NotBefore.IsZero() {
		o.NotBefore = time.Now().Add(-24 * time.Hour)
	}
	if o.NotAfter.IsZero() {
		o.NotAfter = time.Now().Add(24 * time.Hour)
	}
	template := &x509.Certificate{
		SerialNumber: o.Serial, Subject: pkix.Name{CommonName: "bpf2lskel test " + o.Name},
		NotBefore: o.NotBefore, NotAfter: o.NotAfter, KeyUsage: x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true, SignatureAlgorithm: o.Algorithm,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, o.Key.Public(), o.Key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &Identity{o.Key, cert}
}

// Sign signs data.
func (id *Identity) Sign(t testing.TB, data []byte) []byte {
	t.Helper()
	sig, err := cms.Sign(data, id.Cert, id.Key)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

// Write writes PEM files.
func (id *Identity) Write(t testing.TB, dir string) (cert, key string) {
	t.Helper()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	der, err := x509.MarshalPKCS8PrivateKey(id.Key)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{
		cert: {Type: "CERTIFICATE", Bytes: id.Cert.Raw},
		key:  {Type: "PRIVATE KEY", Bytes: der},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}
