package codegen

import (
	"fmt"
	"reflect"
	"strconv"

	"github.com/dave/jennifer/jen"

	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// writeSpec writes the Spec as a variable that needs no code to initialize. The
// embedded files are strings that only exist at run time, so they are added to a copy of it, which
// shares all that is large.
func (g *generator) writeSpec() {
	f := g.file
	f.Commentf("//go:embed %s", g.fileName("blob"))
	f.Var().Id("blob").String()
	f.Commentf("//go:embed %s", g.fileName("loader"))
	f.Var().Id("loader").String()

	signed := g.writeSigned()

	doc(f, "object describes the object: what package loader planned.")
	f.Func().Id("object").Params().Op("*").Qual(RuntimePath, "Spec").BlockFunc(func(b *jen.Group) {
		b.Id("s").Op(":=").Id("spec")
		b.List(jen.Id("s").Dot("Blob"), jen.Id("s").Dot("Loader")).Op("=").List(jen.Id("blob"), jen.Id("loader"))
		for _, line := range signed {
			b.Add(line)
		}
		b.Return(jen.Op("&").Id("s"))
	})
	s := *g.spec
	s.Blob, s.Loader, s.Signed = "", "", nil
	f.Var().Id("spec").Op("=").Add(literal(reflect.ValueOf(s), true))
}

// constants are the names of values that would say nothing as numbers.
var constants = map[any]string{
	runtime.NoSlot: "NoSlot", runtime.Parts: "Parts", runtime.Outside: "Outside",

	runtime.Data: "Data", runtime.ROData: "ROData", runtime.BSS: "BSS", runtime.Kconfig: "Kconfig",
	runtime.SizeCPUs: "SizeCPUs", runtime.SizePages: "SizePages",
	runtime.Kfunc: "Kfunc", runtime.KsymVar: "KsymVar", runtime.KsymAddr: "KsymAddr",

	runtime.StepLoadBTF: "StepLoadBTF", runtime.StepCreateMap: "StepCreateMap", runtime.StepCreateInner: "StepCreateInner",
	runtime.StepFillMap: "StepFillMap", runtime.StepFreezeMap: "StepFreezeMap", runtime.StepSetSlot: "StepSetSlot",
	runtime.StepFindTarget: "StepFindTarget", runtime.StepFindExtern: "StepFindExtern", runtime.StepLoadProgram: "StepLoadProgram",
}

// literal writes a value of the Spec's types as Go source, without the fields that are
// zero. A struct in a slice needs no type in front.
func literal(v reflect.Value, typed bool) *jen.Statement {
	switch v.Kind() {
	case reflect.Struct:
		fields := []jen.Code{}
		multi := false
		for i := range v.NumField() {
			if !v.Field(i).IsZero() {
				fields = append(fields, jen.Id(v.Type().Field(i).Name).Op(":").Add(literal(v.Field(i), true)))
				multi = multi || v.Field(i).Kind() == reflect.Slice && v.Field(i).Type().Elem().Kind() == reflect.Struct
			}
		}
		s := jen.Null()
		if typed {
			s = jen.Qual(RuntimePath, v.Type().Name())
		}
		return s.Custom(jen.Options{Open: "{", Close: "}", Separator: ",", Multi: multi}, fields...)
	case reflect.Slice:
		elems := make([]jen.Code, v.Len())
		for i := range elems {
			elems[i] = literal(v.Index(i), false)
		}
		elem := v.Type().Elem()
		name := jen.Id(elem.Name())
		if elem.PkgPath() != "" {
			name = jen.Qual(RuntimePath, elem.Name())
		}
		return jen.Index().Add(name).Custom(jen.Options{Open: "{", Close: "}", Separator: ",", Multi: elem.Kind() == reflect.Struct}, elems...)
	}
	if name := constants[v.Interface()]; name != "" {
		return jen.Qual(RuntimePath, name)
	}
	switch {
	case v.Kind() == reflect.String:
		return jen.Lit(v.String())
	case v.Kind() == reflect.Bool:
		return jen.Lit(v.Bool())
	case v.CanUint():
		return jen.Op(strconv.FormatUint(v.Uint(), 10))
	case v.CanInt():
		return jen.Op(strconv.FormatInt(v.Int(), 10))
	}
	// A field of a new kind in the Spec: whoever adds it sees this in every test.
	panic(fmt.Sprintf("Spec has a field of type %s, which no literal is made of", v.Type()))
}
