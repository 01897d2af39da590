// Command sign signs the example's packages with a new key, which it then deletes: to change a
// package, sign all of them again. It does nothing if all signatures are valid.
//
//	go run ./sign DIR...
package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

const certFile = "cert.pem"

func main() {
	log.SetFlags(0)
	packages := os.Args[1:]
	if bpf2lskel("verify", "-cert", certFile, packages) == nil {
		return
	}
	dir, err := os.MkdirTemp("", "bpf2lskel-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	keyFile := filepath.Join(dir, "key.pem")
	if err := makeKey(keyFile); err != nil {
		log.Print(err)
		return
	}
	if err := bpf2lskel("sign", "-key", keyFile, "-cert", certFile, packages); err != nil {
		log.Print(err)
	}
}

// bpf2lskel runs the command bpf2lskel. Each argument is a string or a []string.
func bpf2lskel(verb string, args ...any) error {
	words := []string{"tool", "bpf2lskel", verb}
	for _, arg := range args {
		switch arg := arg.(type) {
		case string:
			words = append(words, arg)
		case []string:
			words = append(words, arg...)
		}
	}
	cmd := exec.Command("go", words...)
	if verb == "sign" {
		cmd.Stderr = os.Stderr
	}
	return cmd.Run()
}

// makeKey writes a new private key to keyFile and its certificate to certFile.
func makeKey(keyFile string) error {
	key, err := rsa.GenerateKey(rand.Reader, 3072)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "bpf2lskel example"},
		NotBefore:    time.Now().Add(-24 * time.Hour),
		NotAfter:     time.Now().AddDate(30, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	if err := os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}), 0o600); err != nil {
		return err
	}
	return os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o644)
}
