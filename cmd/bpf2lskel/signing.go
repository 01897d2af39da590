package main

import (
	"bytes"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/bpf2lskel/bpf2lskel/codegen"
	"github.com/bpf2lskel/bpf2lskel/internal/cms"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
)

// signing holds the signing flags, and signs packages.
type signing struct {
	prefix             string // of the flags' names, with a dash
	verb               string // the command that has the flags
	key, cert, command string // from flags
	later              bool

	make func(data []byte) ([]byte, error) // nil if packages are not signed
}

// addFlags adds the flags for the key, the certificate and the command.
func (s *signing) addFlags(fs *flag.FlagSet, prefix string) {
	s.prefix, s.verb = "-"+prefix, fs.Name()
	fs.StringVar(&s.key, prefix+"key", "", "sign with the private key of this PEM `file`")
	fs.StringVar(&s.cert, prefix+"cert", "", "PEM or DER `file` with the certificate of the key")
	fs.StringVar(&s.command, prefix+"cmd", "", "sign with this `command`, which reads data from standard input and writes a detached CMS signature in DER without signed attributes")
}

// wanted reports whether to generate packages that can be signed.
func (s *signing) wanted() bool { return s.later || s.make != nil }

// wrong returns a usageError for the signing flags.
func (s *signing) wrong(format string, args ...any) error {
	return &usageError{s.verb, fmt.Errorf(format, args...)}
}

// open sets s.make according to the flags.
func (s *signing) open() error {
	switch {
	case s.key != "" && s.command != "":
		return s.wrong("%[1]skey and %[1]scmd are mutually exclusive", s.prefix)
	case s.key != "" && s.cert == "":
		return s.wrong("%[1]skey requires %[1]scert, since the signature names the certificate", s.prefix)
	case s.key == "" && s.command == "" && s.cert != "":
		return s.wrong("%[1]scert requires %[1]skey or %[1]scmd", s.prefix)
	case s.key == "" && s.command == "":
		return nil
	case s.command != "":
		return s.openCommand()
	}
	key, err := cms.ReadKey(s.key)
	if err != nil {
		return err
	}
	cert, err := cms.ReadCertificate(s.cert)
	if err != nil {
		return err
	}
	if err := errors.Join(cms.CheckTime(cert, time.Now()), cms.CheckAlgorithms(cert)); err != nil {
		return fmt.Errorf("%s: %w", s.cert, err)
	}
	s.make = func(data []byte) ([]byte, error) { return cms.Sign(data, cert, key) }
	return nil
}

// openCommand makes s sign with the command, and check the signatures if there is a certificate.
func (s *signing) openCommand() error {
	words, err := splitWords(s.command)
	if err != nil || len(words) == 0 {
		return s.wrong("%scmd %q: %w: want a command and its arguments", s.prefix, s.command, cmp.Or(err, errors.New("empty")))
	}
	check := func(_, _ []byte) error { return nil }
	if s.cert != "" {
		cert, err := cms.ReadCertificate(s.cert)
		if err != nil {
			return err
		}
		if err := cms.CheckAlgorithms(cert); err != nil {
			return fmt.Errorf("%s: %w", s.cert, err)
		}
		check = func(data, signature []byte) error { return cms.Verify(data, signature, cert) }
	}
	s.make = func(data []byte) ([]byte, error) {
		cmd := exec.Command(words[0], words[1:]...)
		cmd.Stdin, cmd.Stderr = bytes.NewReader(data), os.Stderr
		der, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", words[0], err)
		}
		signature, err := cms.Normalize(der)
		if err == nil {
			err = check(data, signature)
		}
		if err != nil {
			return nil, fmt.Errorf("output of %s: %w", words[0], err)
		}
		return signature, nil
	}
	return nil
}

// signSpec signs all forms of a package, if the flags ask for it.
func (s *signing) signSpec(planned *spec.Spec) error {
	if s.make == nil {
		return nil
	}
	for form := range spec.SignedForms {
		signature, err := s.make([]byte(planned.SignedBytes(form)))
		if err != nil {
			return fmt.Errorf("sign: %w", err)
		}
		planned.Signed.Forms[form].Signature = string(signature)
	}
	return nil
}

// signedExtensions returns the extensions of the files that only packages generated with -signed
// have. The extensions of the other forms end with those of the first.
func signedExtensions() []string {
	var list []string
	for form := range spec.SignedForms {
		list = append(list, codegen.SignatureFile(form), codegen.CheckFile(form))
	}
	return list
}

// keepSignatures keeps the signatures of a package that is generated again without signing, if the
// data they cover is unchanged.
func keepSignatures(dir string, files []codegen.File) {
	fresh := map[string][]byte{}
	for _, f := range files {
		fresh[f.Name] = f.Data
	}
	same := func(name string) bool {
		old, err := os.ReadFile(filepath.Join(dir, name))
		return err == nil && bytes.Equal(old, fresh[name])
	}
	for i := range files {
		f := &files[i]
		if !strings.HasSuffix(f.Name, ".sig") || len(f.Data) > 0 {
			continue
		}
		base := strings.TrimSuffix(f.Name, ".sig")
		stem, _, _ := strings.Cut(base, ".")
		if same(base+".check") && same(stem+".loader") && same(stem+".blob") {
			f.Data, _ = os.ReadFile(filepath.Join(dir, f.Name)) // empty if not signed yet
		}
	}
}
