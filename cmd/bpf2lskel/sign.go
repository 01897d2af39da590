package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/codegen"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/loader"
)

const signHelp = `Usage: bpf2lskel sign -key KEY.pem -cert CERT.pem FOLDER...
       bpf2lskel sign -cmd 'COMMAND ARGUMENTS' [-cert CERT.pem] FOLDER...

Signs packages that were generated with -signed, all targets.

`

// sign adds signatures to generated packages, or replaces them. It writes no other file.
func sign(args []string, stdout, _ io.Writer) error {
	var s signing
	fs := flag.NewFlagSet("bpf2lskel sign", flag.ContinueOnError)
	s.addFlags(fs, "")
	if err := parseFlags(fs, signHelp, args, stdout); err != nil {
		return err
	}
	switch {
	case fs.NArg() == 0:
		return usagef(fs, "no folder of a package")
	case s.key == "" && s.command == "":
		return usagef(fs, "nothing to sign with: -key and -cert, or -cmd is required")
	}
	if err := s.open(); err != nil {
		return err
	}
	packages, err := findSigned(fs.Args())
	if err != nil {
		return err
	}
	for _, p := range packages {
		if err := s.signSpec(p.spec); err != nil {
			return fmt.Errorf("%s: %w", p.base, err)
		}
	}
	// All or none.
	for _, p := range packages {
		if err := p.writeSignatures(); err != nil {
			return err
		}
		fmt.Fprintf(stdout, "%s: signed\n", p.base)
	}
	return nil
}

// signedPackage is a generated package as files have it, of one target.
type signedPackage struct {
	base string // the path of its files, without .loader
	spec *spec.Spec
}

// findSigned reads the packages in these folders that can be signed.
func findSigned(folders []string) ([]*signedPackage, error) {
	var all []*signedPackage
	for _, dir := range folders {
		loaders, err := filepath.Glob(filepath.Join(escapeGlob(dir), "*.loader"))
		if err != nil {
			return nil, err
		}
		loaders = slices.DeleteFunc(loaders, func(path string) bool {
			_, ok := goFileOf(filepath.Base(path))
			return !ok
		})
		if len(loaders) == 0 {
			return nil, fmt.Errorf("%s: holds no package that bpf2lskel wrote", dir)
		}
		for _, path := range loaders {
			p, err := readSigned(strings.TrimSuffix(path, ".loader"))
			if err != nil {
				return nil, err
			}
			all = append(all, p)
		}
	}
	return all, nil
}

// escapeGlob makes a pattern that matches one path.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

func readSigned(base string) (*signedPackage, error) {
	var failed error
	read := func(ext string) string {
		data, err := os.ReadFile(base + ext)
		failed = errors.Join(failed, err)
		return string(data)
	}
	signed := &spec.SignedSpec{}
	s := &spec.Spec{Blob: read(".blob"), Loader: read(".loader"), Signed: signed}
	if failed != nil {
		return nil, failed
	}
	for form := range spec.SignedForms {
		signed.Forms[form].Check = read(codegen.CheckFile(form))
		signed.Forms[form].Signature = read(codegen.SignatureFile(form))
	}
	if failed != nil {
		return nil, fmt.Errorf("%s: not generated with -signed: %w", base, failed)
	}
	return &signedPackage{base, s}, checkLoaders(base, s)
}

// checkLoaders makes sure that each form's loader has what its signature does not say of the map,
// since whoever signs it vouches for it, and that the package's Go file knows that loader: the map
// is exclusive to its hash.
func checkLoaders(base string, s *spec.Spec) error {
	var bo binary.ByteOrder = binary.LittleEndian
	if strings.HasSuffix(base, "bpfeb") {
		bo = binary.BigEndian
	}
	source, err := os.ReadFile(base + ".go")
	if err != nil {
		return err
	}
	if !loader.HasSignedHead(s.Loader, bo) || len(s.Blob) < 8 {
		return fmt.Errorf("%s.loader: not a loader that can be signed: generate the package again", base)
	}
	for form := range spec.SignedForms {
		if s.Signed.Forms[form].Check != loader.BlobCheck(form, s.Blob, bo) {
			return fmt.Errorf("%s%s: it does not check the package's blob: generate the package again", base, codegen.CheckFile(form))
		}
		if !bytes.Contains(source, []byte(codegen.LoaderHash(s, form))) {
			return fmt.Errorf("%s.go: belongs to another loader than %s.loader: generate the package again", base, base)
		}
	}
	return nil
}

// writeSignatures writes the signatures that have changed.
func (p *signedPackage) writeSignatures() error {
	for form := range spec.SignedForms {
		path, signature := p.base+codegen.SignatureFile(form), []byte(p.spec.Signed.Forms[form].Signature)
		if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, signature) {
			continue
		}
		tmp, err := os.CreateTemp(filepath.Dir(path), ".bpf2lskel-*")
		if err != nil {
			return err
		}
		_, err = tmp.Write(signature)
		if err = errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err == nil {
			err = os.Rename(tmp.Name(), path)
		}
		if err != nil {
			return errors.Join(err, os.Remove(tmp.Name()))
		}
	}
	return nil
}
