package cms

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
)

// ReadCertificate reads the first certificate of a PEM file, or a DER file.
func ReadCertificate(path string) (*x509.Certificate, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if block := findBlock(raw, "CERTIFICATE"); block != nil {
		raw = block.Bytes
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: no certificate: %w", path, err)
	}
	return cert, nil
}

// ReadKey reads the private key of a PEM file. It must not be encrypted.
func ReadKey(path string) (crypto.Signer, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := parseKey(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

func parseKey(raw []byte) (crypto.Signer, error) {
	if block := findBlock(raw, "PRIVATE KEY"); block != nil {
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, err
		}
		signer, ok := key.(crypto.Signer)
		if !ok {
			return nil, fmt.Errorf("a key of type %T cannot sign", key)
		}
		return signer, nil
	}
	if block := findBlock(raw, "RSA PRIVATE KEY"); block != nil {
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	}
	if block := findBlock(raw, "EC PRIVATE KEY"); block != nil {
		return x509.ParseECPrivateKey(block.Bytes)
	}
	if findBlock(raw, "ENCRYPTED PRIVATE KEY") != nil {
		return nil, errors.New("the key is encrypted: decrypt it, or sign with a command that knows the password (-sign-cmd)")
	}
	return nil, errors.New("no private key in PEM")
}

// findBlock returns the first block of a type.
func findBlock(raw []byte, kind string) *pem.Block {
	for {
		block, rest := pem.Decode(raw)
		if block == nil || block.Type == kind {
			return block
		}
		raw = rest
	}
}
