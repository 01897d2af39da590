package codegen

import (
	"strings"

	"github.com/dave/jennifer/jen"
)

// attachable reports whether a program's section says all that its Attach
// method has to know. What it leaves to the caller: an interface, a cgroup, a process.
func (p *programField) attachable() bool {
	switch p.kind {
	case "TracingProgram", "LSMProgram":
		return p.prog.Target != nil
	case "KprobeProgram", "KprobeMultiProgram", "RawTracepointProgram":
		return p.prog.AttachTo != ""
	case "TracepointProgram":
		return strings.Contains(p.prog.AttachTo, "/")
	case "IterProgram":
		// Iterators over the elements of one map, and over cgroups, want to know which.
		switch p.prog.AttachTo {
		case "", "bpf_map_elem", "bpf_sk_storage_map", "cgroup":
			return false
		}
		return p.prog.Target != nil
	}
	return false
}

// writeAttach writes what attaches all programs that can be attached without a word.
//
//	func (s *Skeleton) Attach() (left []string, err error) {
//		for _, p := range []struct {
//			prog   *runtime.Program
//			link   **runtime.Link
//			attach func() (*runtime.Link, error)
//		}{
//			{s.Progs.OnSwitch.Program, &s.Links.OnSwitch, s.Progs.OnSwitch.Attach},
//		} {
//			...
//		}
//	}
func (g *generator) writeAttach() {
	f := g.file
	skeleton := jen.Op("*").Id("Skeleton")
	program := jen.Op("*").Qual(RuntimePath, "Program")
	link := jen.Op("*").Qual(RuntimePath, "Link")
	fails := jen.Func().Params().Params(link, jen.Error())

	if g.attaches() {
		doc(f, "Links are what Attach attached; nil for programs that it left alone.")
		f.Type().Id("Links").StructFunc(func(s *jen.Group) {
			for _, p := range g.programs {
				if p.attachable() {
					s.Id(p.name).Add(link)
				}
			}
		})
	}
	text := "Attach attaches each loaded program whose section says where, and returns the names of those that it left alone. " +
		"If one fails, none stays attached."
	if !g.attaches() {
		text = "Attach attaches each program whose section says where, which no program's does here, and returns the names of those that it left alone."
	}
	doc(f, text)
	f.Func().Params(jen.Id("s").Add(skeleton)).Id("Attach").Params().Params(jen.Id("left").Index().String(), jen.Err().Error()).BlockFunc(func(b *jen.Group) {
		var rows, left []jen.Code
		for _, p := range g.programs {
			if !p.attachable() {
				left = append(left, jen.Lit(p.prog.Name))
				continue
			}
			field := jen.Id("s").Dot("Progs").Dot(p.name)
			attach := field.Clone().Dot("Attach")
			if p.kind == "IterProgram" {
				attach = jen.Func().Params().Params(link, jen.Error()).Block(
					jen.Return(field.Clone().Dot("Attach").Call(jen.Qual(RuntimePath, "IterTarget").Values())))
			}
			rows = append(rows, jen.Values(field.Clone().Dot("Program"), jen.Op("&").Id("s").Dot("Links").Dot(p.name), attach))
		}
		all := jen.Nil()
		if len(left) > 0 {
			all = jen.Index().String().Values(left...)
		}
		if len(rows) == 0 {
			b.Return(all, jen.Nil())
			return
		}
		if len(left) > 0 {
			b.Id("left").Op("=").Add(all)
		}
		row := jen.Struct(
			jen.Id("prog").Add(program),
			jen.Id("link").Op("*").Add(link),
			jen.Id("attach").Add(fails),
		)
		b.For(jen.List(jen.Id("_"), jen.Id("p")).Op(":=").Range().Index().Add(row).
			Custom(jen.Options{Open: "{", Close: "}", Separator: ",", Multi: true}, rows...)).Block(
			jen.If(jen.Op("*").Id("p").Dot("link").Op("!=").Nil()).Block(jen.Continue().Comment("attached already")),
			jen.If(jen.Id("p").Dot("prog").Dot("FD").Call().Op("<").Lit(0)).Block(
				jen.Id("left").Op("=").Append(jen.Id("left"), jen.Id("p").Dot("prog").Dot("Name").Call()),
				jen.Continue(),
			),
			jen.If(
				jen.List(jen.Op("*").Id("p").Dot("link"), jen.Err()).Op("=").Id("p").Dot("attach").Call(),
				jen.Err().Op("!=").Nil(),
			).Block(
				jen.Id("s").Dot("Detach").Call(),
				jen.Return(jen.Nil(), jen.Err()),
			),
		)
		b.Return(jen.Id("left"), jen.Nil())
	})
	if !g.attaches() {
		return
	}
	doc(f, "Detach ends what Attach began. What is pinned stays attached.")
	f.Func().Params(jen.Id("s").Add(skeleton)).Id("Detach").Params().BlockFunc(func(b *jen.Group) {
		var links []jen.Code
		for _, p := range g.programs {
			if p.attachable() {
				links = append(links, jen.Id("s").Dot("Links").Dot(p.name))
			}
		}
		b.For(jen.List(jen.Id("_"), jen.Id("l")).Op(":=").Range().Index().Add(link).
			Custom(jen.Options{Open: "{", Close: "}", Separator: ",", Multi: true}, links...)).Block(
			jen.If(jen.Id("l").Op("!=").Nil()).Block(jen.Id("l").Dot("Close").Call()),
		)
		b.Id("s").Dot("Links").Op("=").Id("Links").Values()
	})
}

// attaches reports whether Attach has something to attach.
func (g *generator) attaches() bool {
	for _, p := range g.programs {
		if p.attachable() {
			return true
		}
	}
	return false
}
