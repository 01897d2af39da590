package codegen

import "github.com/dave/jennifer/jen"

// writePins writes the methods that pin a skeleton, and the function that opens a pinned one.
//
//	func (s *Skeleton) Pin(dir string, links ...*runtime.Link) error {
//		return runtime.PinSkeleton(s.core, dir, false, s.attachments(), links)
//	}
//
//	func OpenPinned(dir string) (*Skeleton, error) {
//		core, err := runtime.OpenPinnedGenerated(described(), &features, dir)
//		if err != nil {
//			return nil, err
//		}
//		s := wrap(core)
//		if err := runtime.OpenPinnedLinks(dir, s.attachments()); err != nil {
//			s.Close()
//			return nil, err
//		}
//		return s, nil
//	}
func (g *generator) writePins() {
	f := g.file
	skeleton := jen.Op("*").Id("Skeleton")
	pin := func(name string, replace bool) {
		f.Func().Params(jen.Id("s").Add(skeleton)).Id(name).
			Params(jen.Id("dir").String(), jen.Id("links").Op("...").Op("*").Qual(RuntimePath, "Link")).Error().Block(
			jen.Return(jen.Qual(RuntimePath, "PinSkeleton").Call(
				jen.Id("s").Dot("core"), jen.Id("dir"), jen.Lit(replace), g.attachments(), jen.Id("links"),
			)),
		)
	}
	of := "and the given links"
	if g.attaches() {
		of = "the links that Attach created, and the given links"
	}
	doc(f, "Pin pins all maps and programs, "+of+", to a new directory of a BPF file system. If it fails, nothing is pinned. OpenPinned opens the directory, and runtime.Unpin removes it.")
	pin("Pin", false)
	doc(f, "Repin is like Pin, but atomically replaces an existing directory.")
	pin("Repin", true)

	doc(f, "OpenPinned opens a directory that Pin created, without loading anything. Close keeps the pins.")
	f.Func().Id("OpenPinned").Params(jen.Id("dir").String()).Params(skeleton, jen.Error()).BlockFunc(func(b *jen.Group) {
		b.List(jen.Id("core"), jen.Err()).Op(":=").Qual(RuntimePath, "OpenPinnedGenerated").Call(jen.Id("described").Call(), jen.Op("&").Id("features"), jen.Id("dir"))
		b.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Nil(), jen.Err()))
		if !g.attaches() {
			b.Return(jen.Id("wrap").Call(jen.Id("core")), jen.Nil())
			return
		}
		b.Id("s").Op(":=").Id("wrap").Call(jen.Id("core"))
		b.If(
			jen.Err().Op(":=").Qual(RuntimePath, "OpenPinnedLinks").Call(jen.Id("dir"), g.attachments()),
			jen.Err().Op("!=").Nil(),
		).Block(jen.Id("s").Dot("Close").Call(), jen.Return(jen.Nil(), jen.Err()))
		b.Return(jen.Id("s"), jen.Nil())
	})
}
