package codegen

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
)

// SignatureFile is what a package's signature of a form is called, and CheckFile what the
// instructions are that go into its loader: the name of its loader's file without .loader, and
//
//	.check, .sig                        for Linux 7.3; the signature covers .check, .loader, .blob
//	.exclusive.check, .exclusive.sig    before 7.3; it covers .exclusive.check and .loader
//	.hash.check, .hash.sig              likewise
func SignatureFile(form spec.SignedForm) string {
	if form == spec.SignedContents {
		return ".sig"
	}
	return "." + form.String() + ".sig"
}

// CheckFile is the file of the instructions that a form's loader has of its own, see
// [SignatureFile].
func CheckFile(form spec.SignedForm) string {
	if form == spec.SignedContents {
		return ".check"
	}
	return "." + form.String() + ".check"
}

// LoaderHash returns the SHA-256 of a form's loader as the Go source of a package has it.
func LoaderHash(s *spec.Spec, form spec.SignedForm) string {
	var b strings.Builder
	for _, c := range sha256.Sum256([]byte(s.SignedLoader(form))) {
		fmt.Fprintf(&b, `\x%02x`, c)
	}
	return `"` + b.String() + `"`
}

// signedFiles are the files of a package that can be signed, empty ones for signatures that are
// still to come.
func (g *generator) signedFiles() []File {
	var files []File
	if g.spec.Signed == nil {
		return nil
	}
	for form := range spec.SignedForms {
		p := &g.spec.Signed.Forms[form]
		files = append(files,
			File{g.fileName(CheckFile(form)[1:]), []byte(p.Check)},
			File{g.fileName(SignatureFile(form)[1:]), []byte(p.Signature)})
	}
	return files
}

// writeSigned embeds what can be signed, and returns what adds it to the Spec.
//
//	spec.Signed = &impl.SignedSpec{Forms: [impl.SignedForms]impl.SignedProgram{...}}
func (g *generator) writeSigned() []jen.Code {
	if g.spec.Signed == nil {
		return nil
	}
	embed := func(name, file string) *jen.Statement {
		g.file.Comment(g.embed(strings.TrimPrefix(file, ".")))
		g.file.Var().Id(name).String()
		return jen.Id(name)
	}
	var forms []jen.Code
	for form := range spec.SignedForms {
		forms = append(forms, jen.Values(jen.Dict{
			jen.Id("Check"):      embed(form.String()+"Check", CheckFile(form)),
			jen.Id("LoaderHash"): jen.Op(LoaderHash(g.spec, form)),
			jen.Id("Signature"):  embed(form.String()+"Signature", SignatureFile(form)),
		}))
	}
	return []jen.Code{jen.Id("spec").Dot("Signed").Op("=").Op("&").Qual(implPath, "SignedSpec").Values(
		jen.Id("Forms").Op(":").Index(jen.Qual(implPath, "SignedForms")).Qual(implPath, "SignedProgram").
			Custom(jen.Options{Open: "{", Close: "}", Separator: ",", Multi: true}, forms...),
	)}
}
