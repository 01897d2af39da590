package cms

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"math/big"
	"time"

	"github.com/smallstep/pkcs7"
)

// Signer names who has signed, as the signature has it.
type Signer struct {
	Issuer []byte // DER of the name
	Serial *big.Int
}

// ReadSigner reads a signature in the one encoding.
func ReadSigner(signature []byte) (Signer, error) {
	again, err := Normalize(signature)
	if err != nil {
		return Signer{}, err
	}
	if !bytes.Equal(again, signature) {
		return Signer{}, fmt.Errorf("%w: it is not in the form that bpf2lskel writes", ErrDamaged)
	}
	p, err := pkcs7.Parse(signature)
	if err != nil {
		return Signer{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	id := p.Signers[0].IssuerAndSerialNumber
	return Signer{id.IssuerName.FullBytes, id.SerialNumber}, nil
}

// Is tells whether the signer is the owner of a certificate.
func (s Signer) Is(cert *x509.Certificate) bool {
	return bytes.Equal(s.Issuer, cert.RawIssuer) && s.Serial.Cmp(cert.SerialNumber) == 0
}

// Verify checks a signature against a certificate as the kernel does.
func Verify(data, signature []byte, cert *x509.Certificate) error {
	who, err := ReadSigner(signature)
	if err != nil {
		return err
	}
	if !who.Is(cert) {
		return fmt.Errorf("%w: number %x", ErrForeign, who.Serial)
	}
	p, err := pkcs7.Parse(signature)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	p.Content = data
	p.Certificates = []*x509.Certificate{cert}
	// The library knows this algorithm by its full name only.
	if id := &p.Signers[0].DigestEncryptionAlgorithm; id.Algorithm.Equal(pkcs7.OIDEncryptionAlgorithmRSA) {
		id.Algorithm = pkcs7.OIDEncryptionAlgorithmRSASHA256
	}
	if err := p.Verify(); err != nil {
		return ErrChanged
	}
	return nil
}

// CheckTime refuses a certificate that is not valid at a time. The kernel itself does not look at
// the time, so this is for those who sign, and who put a certificate into a keyring.
func CheckTime(cert *x509.Certificate, now time.Time) error {
	switch day := "2006-01-02"; {
	case now.Before(cert.NotBefore):
		return fmt.Errorf("%w: it is from %s on", ErrExpired, cert.NotBefore.Format(day))
	case now.After(cert.NotAfter):
		return fmt.Errorf("%w: it was until %s", ErrExpired, cert.NotAfter.Format(day))
	}
	return nil
}
