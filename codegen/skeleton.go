package codegen

import "github.com/dave/jennifer/jen"

// writeSkeleton writes type Skeleton with its functions and methods.
//
//	type Skeleton struct {
//		core   *runtime.Skeleton
//		Maps   Maps
//		Progs  Progs
//		Rodata *RodataSection
//	}
func (g *generator) writeSkeleton() {
	f := g.file
	runtime := func(name string) *jen.Statement { return jen.Qual(RuntimePath, name) }
	skeleton := jen.Op("*").Id("Skeleton")
	method := func(name string) *jen.Statement {
		return jen.Func().Params(jen.Id("s").Add(skeleton)).Id(name)
	}

	doc(f, "Skeleton is the opened or loaded object. Keep a reference to it while its maps, programs or globals are in use: "+
		"they are closed with it. Skeletons are independent of each other.")
	f.Type().Id("Skeleton").StructFunc(func(s *jen.Group) {
		s.Id("core").Op("*").Add(runtime("Skeleton"))
		s.Line()
		s.Id("Maps").Id("Maps")
		s.Id("Progs").Id("Progs")
		if g.attaches() {
			s.Id("Links").Id("Links")
		}
		if len(g.structOps) > 0 {
			s.Id("StructOps").Id("StructOps")
		}
		for _, v := range g.globals {
			s.Line()
			doc(s, v.comment())
			s.Id(v.name).Op("*").Id(v.decl.name)
		}
	})

	doc(f, "Open prepares the object for loading. Until Load, the initial values of global variables and the sizes of maps can be changed, "+
		"and programs can be excluded.")
	kconfig := jen.Null()
	if g.spec.Kconfig != "" {
		kconfig = runtime("OpenKconfig").Call(jen.Id("core"))
	}
	f.Func().Id("Open").Params().Params(skeleton, jen.Error()).Block(
		jen.List(jen.Id("core"), jen.Err()).Op(":=").Add(runtime("OpenGenerated")).Call(jen.Id("described").Call(), jen.Op("&").Id("features")),
		jen.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Nil(), jen.Err())),
		kconfig,
		jen.Return(jen.Id("wrap").Call(jen.Id("core")), jen.Nil()),
	)
	doc(f, "Load opens and loads the object.")
	if len(g.structOps) > 0 {
		g.writeLoadOpened(skeleton)
	} else {
		f.Func().Id("Load").Params().Params(skeleton, jen.Error()).Block(
			jen.List(jen.Id("core"), jen.Err()).Op(":=").Add(runtime("LoadGenerated")).Call(jen.Id("described").Call(), jen.Op("&").Id("features"), jen.Nil()),
			jen.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Nil(), jen.Err())),
			jen.Return(jen.Id("wrap").Call(jen.Id("core")), jen.Nil()),
		)
	}
	doc(f, "Load loads an opened object into the kernel. Its error is a *runtime.LoadError. It can be called again after a failure.")
	f.Add(method("Load")).Params().Error().Block(
		jen.Return(jen.Id("s").Dot("LoadWith").Call(jen.Nil())),
	)
	doc(f, "LoadWith is like Load, with options.")
	f.Add(method("LoadWith")).Params(jen.Id("opts").Op("*").Add(runtime("LoadOptions"))).Error().BlockFunc(func(b *jen.Group) {
		if len(g.globals) == 0 {
			b.Return(jen.Id("s").Dot("core").Dot("Load").Call(jen.Id("opts")))
			return
		}
		b.Return(runtime("LoadAndBind").Call(jen.Id("s").Dot("core"), jen.Id("opts"), jen.Id("s").Dot("bind")))
	})
	text := "Close closes all maps and programs. Attached programs and pinned objects stay in the kernel. "
	if g.attaches() {
		text = "Close closes all maps, programs and Links. Other attached programs and pinned objects stay in the kernel. "
	}
	if len(g.globals) > 0 {
		text += "It sets the pointers to global variables to nil: do not use copies of them afterwards. "
	}
	doc(f, text+"Close may be called more than once.")
	f.Add(method("Close")).Params().Error().BlockFunc(func(b *jen.Group) {
		if len(g.globals) == 0 && !g.attaches() {
			b.Return(jen.Id("s").Dot("core").Dot("Close").Call())
			return
		}
		links, bind := jen.Nil(), jen.Nil()
		if g.attaches() {
			links = jen.Id("s").Dot("links").Call()
		}
		if len(g.globals) > 0 {
			bind = jen.Id("s").Dot("bind")
		}
		b.Return(runtime("CloseGenerated").Call(jen.Id("s").Dot("core"), links, bind))
	})
	g.writeAttach()
	g.writePins()
	doc(f, "Core returns the untyped skeleton, for code that works with any object.")
	f.Add(method("Core")).Params().Op("*").Add(runtime("Skeleton")).Block(jen.Return(jen.Id("s").Dot("core")))

	doc(f, "wrap returns the typed form of core.")
	f.Func().Id("wrap").Params(jen.Id("core").Op("*").Add(runtime("Skeleton"))).Add(skeleton).BlockFunc(func(b *jen.Group) {
		b.Id("s").Op(":=").Op("&").Id("Skeleton").Values(jen.Id("core").Op(":").Id("core"))
		for _, m := range g.maps {
			if m.m.StructOps != nil {
				continue // see bindStructOps
			}
			b.Id("s").Dot("Maps").Dot(m.name).Op("=").Add(m.make())
		}
		for _, p := range g.programs {
			b.Id("s").Dot("Progs").Dot(p.name).Op("=").Add(p.make())
		}
		g.bindStructOps(b)
		if len(g.globals) > 0 {
			b.Id("s").Dot("bind").Call()
		}
		b.Return(jen.Id("s"))
	})
	if len(g.globals) > 0 {
		doc(f, "bind sets the pointers to global variables.")
		f.Add(method("bind")).Params().BlockFunc(func(b *jen.Group) {
			for _, v := range g.globals {
				b.Id("s").Dot(v.name).Op("=").Parens(jen.Op("*").Id(v.decl.name)).
					Parens(jen.Id("s").Dot("core").Dot("Data").Call(jen.Lit(v.index)))
			}
		})
	}
}

// writeLoadOpened writes the function Load of an object that cannot be loaded from its Spec alone.
//
//	func Load() (*Skeleton, error) {
//		s, err := Open()
//		if err != nil {
//			return nil, err
//		}
//		if err := s.Load(); err != nil {
//			s.Close()
//			return nil, err
//		}
//		return s, nil
//	}
func (g *generator) writeLoadOpened(skeleton *jen.Statement) {
	failed := jen.Err().Op("!=").Nil()
	g.file.Func().Id("Load").Params().Params(skeleton, jen.Error()).Block(
		jen.List(jen.Id("s"), jen.Err()).Op(":=").Id("Open").Call(),
		jen.If(failed).Block(jen.Return(jen.Nil(), jen.Err())),
		jen.If(jen.Err().Op(":=").Id("s").Dot("Load").Call(), failed).Block(
			jen.Id("s").Dot("Close").Call(),
			jen.Return(jen.Nil(), jen.Err()),
		),
		jen.Return(jen.Id("s"), jen.Nil()),
	)
}
