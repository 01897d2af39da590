package cms

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"math/big"
	"time"

	"github.com/smallstep/pkcs7"
)

// A Signer identifies the signer in a signature.
type Signer struct {
	Issuer []byte // DER of the name
	Serial *big.Int
}

// ReadSigner reads the signer from a signature in the encoding that packages use.
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

// Is reports whether the signer is the owner of a certificate.
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
	// The library knows this algorithm only by its full name.
	if id := &p.Signers[0].DigestEncryptionAlgorithm; id.Algorithm.Equal(pkcs7.OIDEncryptionAlgorithmRSA) {
		id.Algorithm = pkcs7.OIDEncryptionAlgorithmRSASHA256
	}
	if err := p.Verify(); err != nil {
		return ErrChanged
	}
	return nil
}

// CheckAlgorithms returns an error for a certificate whose key or signature is not accepted by
// every kernel that verifies programs.
//
//   - RSA: the kernel accepts 2048, 3072 and 4096 bits (rsa_check_key_length in crypto/rsa.c), and
//     no shorter ones in FIPS mode;
//   - ECDSA: P-256 and P-384;
//   - SHA-1 and MD5 in the certificate: the kernel may be built without them, and nobody should
//     rely on them.
func CheckAlgorithms(cert *x509.Certificate) error {
	switch key := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		switch bits := key.N.BitLen(); bits {
		case 2048, 3072, 4096:
		default:
			return fmt.Errorf("%w: an RSA key of %d bits: want 2048, 3072 or 4096", ErrAlgorithm, bits)
		}
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() && key.Curve != elliptic.P384() {
			return fmt.Errorf("%w: an ECDSA key on %s: want P-256 or P-384", ErrAlgorithm, key.Curve.Params().Name)
		}
	default:
		return fmt.Errorf("%w: a key of type %v: want RSA or ECDSA", ErrAlgorithm, cert.PublicKeyAlgorithm)
	}
	switch cert.SignatureAlgorithm {
	case x509.SHA256WithRSA, x509.SHA384WithRSA, x509.SHA512WithRSA, x509.ECDSAWithSHA256, x509.ECDSAWithSHA384, x509.ECDSAWithSHA512:
		return nil
	}
	return fmt.Errorf("%w: the certificate itself is signed by %v: want SHA-256, SHA-384 or SHA-512 with RSA or ECDSA", ErrAlgorithm, cert.SignatureAlgorithm)
}

// CheckTime returns an error for a certificate that is not valid at a time. The kernel ignores the
// time, so this check is for signing, and for adding a certificate to a keyring.
func CheckTime(cert *x509.Certificate, now time.Time) error {
	switch day := "2006-01-02"; {
	case now.Before(cert.NotBefore):
		return fmt.Errorf("%w: it becomes valid on %s", ErrExpired, cert.NotBefore.Format(day))
	case now.After(cert.NotAfter):
		return fmt.Errorf("%w: it expired on %s", ErrExpired, cert.NotAfter.Format(day))
	}
	return nil
}
