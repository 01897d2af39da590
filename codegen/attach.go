package codegen

import (
	"github.com/dave/jennifer/jen"

	"github.com/bpf2lskel/bpf2lskel/internal/section"
)

// attachable reports whether a program's section has all the arguments of its Attach method, so
// that the caller need not choose an interface, a cgroup or a process.
func (p *programField) attachable() bool {
	return section.AttachesBySection(section.Program{
		Type: p.prog.Type, AttachType: p.prog.ExpectedAttachType, Section: p.prog.Section, AttachTo: p.prog.AttachTo,
		HasTarget: p.prog.Target != nil,
	}) != section.None
}

// writeAttach writes the methods that attach and detach all programs whose section names a target.
//
//	func (s *Skeleton) Attach() (left []string, err error) {
//		return runtime.AttachSections(s.core, s.attachments())
//	}
//
//	func (s *Skeleton) attachments() []runtime.Attachment {
//		return []runtime.Attachment{
//			{Program: s.Progs.OnSwitch, Link: &s.Links.OnSwitch},
//		}
//	}
//
//	func (s *Skeleton) Detach() {
//		runtime.DetachSections(s.core, s.links())
//	}
//
//	func (s *Skeleton) links() []**runtime.Link {
//		return []**runtime.Link{&s.Links.OnSwitch}
//	}
func (g *generator) writeAttach() {
	f := g.file
	link := jen.Op("*").Qual(RuntimePath, "Link")
	method := func(name string) *jen.Statement {
		return f.Func().Params(jen.Id("s").Op("*").Id("Skeleton")).Id(name).Params()
	}
	var fields, rows, links []jen.Code
	for _, p := range g.programs {
		if !p.attachable() {
			continue
		}
		field := jen.Op("&").Id("s").Dot("Links").Dot(p.name)
		fields = append(fields, jen.Id(p.name).Add(link))
		rows = append(rows, jen.Values(
			jen.Id("Program").Op(":").Id("s").Dot("Progs").Dot(p.name),
			jen.Id("Link").Op(":").Add(field),
		))
		links = append(links, field)
	}

	var maps []jen.Code
	for _, ops := range g.structOps {
		field := jen.Op("&").Id("s").Dot("Links").Dot(ops.link)
		fields = append(fields, jen.Id(ops.link).Add(link))
		maps = append(maps, jen.Values(
			jen.Id("Map").Op(":").Id("s").Dot("Maps").Dot(ops.m.name),
			jen.Id("Link").Op(":").Add(field),
		))
		links = append(links, field)
	}

	text := "Attach attaches each loaded program whose section names its target, and returns the names of the other programs. " +
		"If one cannot be attached, it detaches the others and returns an error."
	list := g.attachments()
	switch {
	case len(maps) > 0:
		text = "Attach attaches each loaded program whose section names its target, and each struct_ops map that was created, and returns the names of the others. " +
			"If one cannot be attached, it detaches the others and returns an error."
		doc(f, "Links holds the links that Attach created. The others are nil.")
		f.Type().Id("Links").Struct(fields...)
	case len(rows) == 0:
		text = "Attach returns the names of all programs. It attaches none, since no program's section names its target."
	default:
		doc(f, "Links holds the links that Attach created. The others are nil.")
		f.Type().Id("Links").Struct(fields...)
	}
	doc(f, text+" It returns an error before Load and after Close.")
	call := jen.Qual(RuntimePath, "AttachSections").Call(jen.Id("s").Dot("core"), list)
	if len(maps) > 0 {
		call = jen.Qual(RuntimePath, "AttachStructOps").Call(jen.Id("s").Dot("core"), list,
			jen.Index().Qual(RuntimePath, "StructOpsAttachment").Custom(multiLine, maps...))
	}
	method("Attach").Params(jen.Id("left").Index().String(), jen.Err().Error()).Block(jen.Return(call))
	if len(links) == 0 {
		return
	}
	doc(f, "Detach closes the links that Attach created. Programs whose links are pinned stay attached.")
	method("Detach").Block(
		jen.Qual(RuntimePath, "DetachSections").Call(jen.Id("s").Dot("core"), jen.Id("s").Dot("links").Call()),
	)
	doc(f, "TakeLinks takes over pinned links that Attach created in an earlier run, or in an older version. Call it instead of Attach, or before it. "+
		"See runtime.TakeLinks.")
	f.Func().Params(jen.Id("s").Op("*").Id("Skeleton")).Id("TakeLinks").Params(jen.Id("dir").String()).Error().Block(
		jen.Return(jen.Qual(RuntimePath, "TakeLinks").Call(jen.Id("s").Dot("core"), jen.Id("dir"), g.attachments())),
	)
	doc(f, "attachments returns what Attach attaches, and the fields for the links.")
	attachments := jen.Nil()
	if len(rows) > 0 {
		attachments = jen.Index().Qual(RuntimePath, "Attachment").Custom(multiLine, rows...)
	}
	method("attachments").Index().Qual(RuntimePath, "Attachment").Block(jen.Return(attachments))
	doc(f, "links returns the fields of Links.")
	method("links").Index().Op("**").Qual(RuntimePath, "Link").Block(
		jen.Return(jen.Index().Op("**").Qual(RuntimePath, "Link").Custom(multiLine, links...)),
	)
}

// attachments returns the argument that lists what Attach attaches.
func (g *generator) attachments() jen.Code {
	if !g.attaches() {
		return jen.Nil()
	}
	return jen.Id("s").Dot("attachments").Call()
}

// multiLine formats a composite literal with one element per line.
var multiLine = jen.Options{Open: "{", Close: "}", Separator: ",", Multi: true}

// attaches reports whether Attach attaches anything.
func (g *generator) attaches() bool {
	if len(g.structOps) > 0 {
		return true
	}
	for _, p := range g.programs {
		if p.attachable() {
			return true
		}
	}
	return false
}
