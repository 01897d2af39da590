package main

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/bpf2lskel/bpf2lskel/internal/cms"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
)

// verify checks the signatures of generated packages against a certificate, as the kernel would,
// and prints what they cover.
func verify(args []string, stdout, _ io.Writer) error {
	fs := flag.NewFlagSet("bpf2lskel verify", flag.ContinueOnError)
	certFile := fs.String("cert", "", "PEM or DER `file` with the certificate that will be in the kernel's keyring")
	if err := parseFlags(fs, "Usage: bpf2lskel verify -cert CERT.pem DIR...\n\nChecks the signatures of packages as the kernel does, without a kernel.\n\n", args, stdout); err != nil {
		return err
	}
	switch {
	case fs.NArg() == 0:
		return usagef(fs, "want the directory of a package")
	case *certFile == "":
		return usagef(fs, "-cert is required")
	}
	cert, err := cms.ReadCertificate(*certFile)
	if err != nil {
		return err
	}
	packages, err := findSigned(fs.Args())
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "certificate %x of %s, valid from %s until %s\n", cert.SerialNumber, cert.Subject,
		cert.NotBefore.Format(time.DateOnly), cert.NotAfter.Format(time.DateOnly))
	failed := []error{}
	if err := cms.CheckTime(cert, time.Now()); err != nil {
		failed = append(failed, fmt.Errorf("%s: %w (the kernel ignores this)", *certFile, err))
	}
	if err := cms.CheckAlgorithms(cert); err != nil {
		failed = append(failed, fmt.Errorf("%s: %w", *certFile, err))
	}
	for _, p := range packages {
		if err := p.verify(stdout, cert); err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// kernelsOf names the kernels that expect each form.
var kernelsOf = [spec.SignedForms]string{"Linux 7.3 and later", "Linux 7.1 and 7.2", "Linux 6.18 to 7.0"}

// verify prints a package's parts, and whether its signatures are good. All must be, since each
// kernel accepts only its own form.
func (p *signedPackage) verify(stdout io.Writer, cert *x509.Certificate) error {
	fmt.Fprintf(stdout, "\n%s\n", p.base)
	part := func(name, data string) {
		fmt.Fprintf(stdout, "  %-7s %7d bytes  sha256 %x\n", name, len(data), sha256.Sum256([]byte(data)))
	}
	part("loader", p.spec.Loader)
	part("blob", p.spec.Blob)
	covers := "the loader, which compares the blob's hash"
	var failed []error
	for form := range spec.SignedForms {
		signature := []byte(p.spec.Signed.Forms[form].Signature)
		says := "good; covers "
		switch {
		case form == spec.SignedContents:
			says += "the loader and the blob"
		default:
			says += covers
		}
		if len(signature) == 0 {
			says = "not signed"
			failed = append(failed, fmt.Errorf("%s, for %s: not signed", p.base, kernelsOf[form]))
		} else if err := cms.Verify([]byte(p.spec.SignedBytes(form)), signature, cert); err != nil {
			says = err.Error()
			failed = append(failed, fmt.Errorf("%s, for %s: %w", p.base, kernelsOf[form], err))
		}
		fmt.Fprintf(stdout, "  %-20s %s\n", kernelsOf[form]+":", says)
	}
	return errors.Join(failed...)
}
