package codegen

import (
	"fmt"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
)

// SignatureFile is what a package's signature of a form is called, and CheckFile what the
// instructions are that stand before its loader: the name of its loader's file without .loader, and
//
//	.sig                                   for Linux 7.3: the signature covers .loader and .blob
//	.exclusive.check, .exclusive.sig       before: it covers .exclusive.check and .loader
//	.hash.check, .hash.sig                 likewise
func SignatureFile(form spec.SignedForm) string {
	if form == spec.SignedContents {
		return ".sig"
	}
	return "." + form.String() + ".sig"
}

// CheckFile is "" for the form that has no check.
func CheckFile(form spec.SignedForm) string {
	if form == spec.SignedContents {
		return ""
	}
	return "." + form.String() + ".check"
}

// binaryLit writes a string of bytes that are no text.
func binaryLit(s string) jen.Code {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, `\x%02x`, s[i])
	}
	return jen.Op(`"` + b.String() + `"`)
}

// signedFiles are the files of a package that can be signed, empty ones for signatures that are still to come.
func (g *generator) signedFiles() []File {
	var files []File
	if g.spec.Signed == nil {
		return nil
	}
	for form := range spec.SignedForms {
		p := &g.spec.Signed.Forms[form]
		if name := CheckFile(form); name != "" {
			files = append(files, File{g.fileName(name[1:]), []byte(p.Check)})
		}
		files = append(files, File{g.fileName(SignatureFile(form)[1:]), []byte(p.Signature)})
	}
	return files
}

// writeSigned embeds what can be signed, and returns what adds it to the Spec s.
//
//	s.Signed = &impl.SignedSpec{Forms: [impl.SignedForms]impl.SignedProgram{...}}
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
		fields := jen.Dict{}
		if name := CheckFile(form); name != "" {
			fields[jen.Id("Check")] = embed(form.String()+"Check", name)
		}
		fields[jen.Id("LoaderHash")] = binaryLit(g.spec.Signed.Forms[form].LoaderHash)
		fields[jen.Id("Signature")] = embed(form.String()+"Signature", SignatureFile(form))
		forms = append(forms, jen.Values(fields))
	}
	return []jen.Code{jen.Id("s").Dot("Signed").Op("=").Op("&").Qual(implPath, "SignedSpec").Values(
		jen.Id("Forms").Op(":").Index(jen.Qual(implPath, "SignedForms")).Qual(implPath, "SignedProgram").
			Custom(jen.Options{Open: "{", Close: "}", Separator: ",", Multi: true}, forms...),
	)}
}
