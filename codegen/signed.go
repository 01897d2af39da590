package codegen

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
)

// SignatureFile returns the suffix of the file with a form's signature, and CheckFile that of the
// file with the instructions to insert into its loader. They replace the suffix .loader in the name
// of the loader's file:
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

// CheckFile returns the suffix of the file with the instructions of a form, see [SignatureFile].
func CheckFile(form spec.SignedForm) string {
	if form == spec.SignedContents {
		return ".check"
	}
	return "." + form.String() + ".check"
}

// LoaderHash returns the SHA-256 of a form's loader as a literal in the package's Go file.
func LoaderHash(s *spec.Spec, form spec.SignedForm) string {
	var b strings.Builder
	for _, c := range sha256.Sum256([]byte(s.SignedLoader(form))) {
		fmt.Fprintf(&b, `\x%02x`, c)
	}
	return `"` + b.String() + `"`
}

// signedFiles returns the additional files of a package that can be signed. Missing signatures are
// empty files.
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

// writeSigned embeds the files for signatures, and returns the code that adds them to the Spec.
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
