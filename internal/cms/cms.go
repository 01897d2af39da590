// Package cms creates and checks the signatures of packages: detached PKCS #7, as Linux verifies
// them. Keys and certificates come from PEM files, or signatures from a command.
//
// There is one encoding for each signature. The kernel ignores some bytes of the structure. To
// prevent unnoticed changes to them, [Normalize] omits optional parts and writes the rest in only
// one way: without certificates, which the kernel takes from its keyring, and without signed
// attributes, so that the signature covers the data itself. Signatures are deterministic, those of
// ECDSA keys included.
package cms

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"

	"github.com/smallstep/pkcs7"
)

// Errors that callers may want to distinguish.
var (
	ErrDamaged = errors.New("the signature is damaged")
	ErrForeign = errors.New("signed with the key of another certificate")
	ErrExpired = errors.New("the certificate is not valid at this time")
	// ErrAlgorithm is about the algorithms of a certificate.
	ErrAlgorithm = errors.New("not every kernel that verifies programs accepts this certificate")
	ErrChanged   = errors.New("the signature does not match: the package was changed, or signed with another key")
)

// Sign signs data with a key whose certificate will be in the kernel's keyring.
func Sign(data []byte, cert *x509.Certificate, key crypto.Signer) ([]byte, error) {
	if !samePublicKey(cert, key.Public()) {
		return nil, errors.New("the key does not belong to the certificate")
	}
	p, err := pkcs7.NewSignedData(data)
	if err != nil {
		return nil, err
	}
	p.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256)
	switch key.Public().(type) {
	case *rsa.PublicKey:
		// The kernel does not accept sha256WithRSAEncryption here (pkcs7_sig_note_pkey_algo).
		p.SetEncryptionAlgorithm(pkcs7.OIDEncryptionAlgorithmRSA)
	case *ecdsa.PublicKey:
		p.SetEncryptionAlgorithm(pkcs7.OIDDigestAlgorithmECDSASHA256)
	default:
		return nil, fmt.Errorf("unsupported key type %T: the kernel verifies RSA and ECDSA", key.Public())
	}
	if err := p.SignWithoutAttr(cert, deterministic{key}, pkcs7.SignerInfoConfig{}); err != nil {
		return nil, err
	}
	p.Detach()
	signature, err := p.Finish()
	if err != nil {
		return nil, err
	}
	return Normalize(signature)
}

// deterministic makes an ECDSA key sign according to RFC 6979.
type deterministic struct{ crypto.Signer }

func (d deterministic) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return d.Signer.Sign(nil, digest, opts)
}

func samePublicKey(cert *x509.Certificate, public crypto.PublicKey) bool {
	k, ok := cert.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(public)
}

// The structures of RFC 5652 that the encoding uses.
type (
	contentInfo struct {
		Type    asn1.ObjectIdentifier
		Content signedData `asn1:"explicit,tag:0"`
	}
	signedData struct {
		Version          int
		DigestAlgorithms []algorithm `asn1:"set"`
		Content          struct{ Type asn1.ObjectIdentifier }
		SignerInfos      []signerInfo `asn1:"set"`
	}
	signerInfo struct {
		Version            int
		Signer             issuerAndSerial
		DigestAlgorithm    algorithm
		SignatureAlgorithm algorithm
		Signature          []byte
	}
	issuerAndSerial struct {
		Issuer asn1.RawValue
		Serial *big.Int
	}
	algorithm struct {
		Algorithm  asn1.ObjectIdentifier
		Parameters asn1.RawValue `asn1:"optional"`
	}
)

// Normalize reads a signature in any encoding and writes it in the encoding that packages use.
func Normalize(signature []byte) ([]byte, error) {
	p, err := pkcs7.Parse(signature)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if len(p.Signers) != 1 {
		return nil, fmt.Errorf("the signature has %d signers: want one", len(p.Signers))
	}
	if len(p.Content) > 0 {
		return nil, errors.New("the signature contains the signed data: it must be detached")
	}
	s := p.Signers[0]
	if len(s.AuthenticatedAttributes) > 0 {
		return nil, errors.New("the signature has signed attributes: sign without them (openssl cms -noattr)")
	}
	sha256 := algorithm{Algorithm: pkcs7.OIDDigestAlgorithmSHA256}
	if !s.DigestAlgorithm.Algorithm.Equal(sha256.Algorithm) {
		return nil, fmt.Errorf("the signature uses hash %v: want SHA-256", s.DigestAlgorithm.Algorithm)
	}
	var alg algorithm
	switch oid := s.DigestEncryptionAlgorithm.Algorithm; {
	case oid.Equal(pkcs7.OIDEncryptionAlgorithmRSA), oid.Equal(pkcs7.OIDEncryptionAlgorithmRSASHA256):
		// The signature is as long as the key, so this needs no certificate; see CheckAlgorithms.
		switch bits := 8 * len(s.EncryptedDigest); bits {
		case 2048, 3072, 4096:
		default:
			return nil, fmt.Errorf("%w: an RSA key of %d bits: want 2048, 3072 or 4096", ErrAlgorithm, bits)
		}
		alg = algorithm{pkcs7.OIDEncryptionAlgorithmRSA, asn1.NullRawValue}
	case oid.Equal(pkcs7.OIDDigestAlgorithmECDSASHA256):
		alg = algorithm{Algorithm: pkcs7.OIDDigestAlgorithmECDSASHA256}
	default:
		return nil, fmt.Errorf("the signature is neither RSA (PKCS #1 v1.5) nor ECDSA with SHA-256: %v", oid)
	}
	out := contentInfo{Type: pkcs7.OIDSignedData, Content: signedData{
		Version:          1,
		DigestAlgorithms: []algorithm{sha256},
		SignerInfos: []signerInfo{{
			Version:            1,
			Signer:             issuerAndSerial{s.IssuerAndSerialNumber.IssuerName, s.IssuerAndSerialNumber.SerialNumber},
			DigestAlgorithm:    sha256,
			SignatureAlgorithm: alg,
			Signature:          s.EncryptedDigest,
		}},
	}}
	out.Content.Content.Type = pkcs7.OIDData
	return asn1.Marshal(out)
}
