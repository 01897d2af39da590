package codegen

import (
	"fmt"
	"reflect"
	"strconv"

	"github.com/dave/jennifer/jen"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
)

// writeSpec writes the Spec as a variable. Most of it is static data, but embedded files are
// strings that only exist at run time, so the first Open adds them. A copy of the Spec would cost
// 300 bytes for each load, and an init function would keep the files in programs that never open
// the object.
func (g *generator) writeSpec() {
	f := g.file
	f.Comment(g.embed("blob"))
	f.Var().Id("blob").String()
	f.Comment(g.embed("loader"))
	f.Var().Id("loader").String()

	signed := g.writeSigned()

	doc(f, "described returns spec with the embedded files, which only exist at run time.")
	f.Func().Id("described").Params().Op("*").Qual(implPath, "Spec").Block(
		jen.Id("once").Dot("Do").Call(jen.Id("addFiles")),
		jen.Return(jen.Op("&").Id("spec")),
	)
	f.Var().Id("once").Qual("sync", "Once")
	f.Func().Id("addFiles").Params().BlockFunc(func(b *jen.Group) {
		b.List(jen.Id("spec").Dot("Blob"), jen.Id("spec").Dot("Loader")).Op("=").List(jen.Id("blob"), jen.Id("loader"))
		for _, line := range signed {
			b.Add(line)
		}
	})
	doc(f, "features lists the optional parts of the runtime that the object needs.")
	f.Var().Id("features").Op("=").Add(g.features())
	doc(f, "These fail to compile if this file and the runtime are incompatible.")
	f.Const().Defs(
		jen.Id("_").Op("=").Qual(implPath, "GenerateAgain").Call(jen.Lit(spec.ABI).Op("-").Qual(implPath, "Oldest")),
		jen.Id("_").Op("=").Qual(implPath, "UpgradeRuntime").Call(jen.Qual(implPath, "Newest").Op("-").Lit(spec.ABI)),
	)
	s := *g.spec
	s.Sums = spec.Sums{Blob: spec.Sum(s.Blob), Loader: spec.Sum(s.Loader)}
	s.Blob, s.Loader, s.Signed = "", "", nil
	doc(f, "spec describes the object and the steps of its load.")
	f.Var().Id("spec").Op("=").Add(literal(reflect.ValueOf(s), true))
}

// features returns the literal that lists the optional parts of the runtime that the object needs.
func (g *generator) features() jen.Code {
	var fields []jen.Code
	add := func(needed bool, name string) {
		if needed {
			fields = append(fields, jen.Id(name).Op(":").Qual(implPath, "Use"+name))
		}
	}
	add(g.spec.Outside(), "Outside")
	add(g.spec.Phases != nil, "Parts")
	add(g.spec.Signed != nil, "Signed")
	add(g.spec.HasInner(), "Inner")
	add(g.spec.Kconfig != "", "Kconfig")
	add(g.obj.OddBTF, "OddBTF")
	add(spec.LacksTargets(g.spec), "Targets")
	if g.spec.PinsByName() {
		fields = append(fields, jen.Id("Reuse").Op(":").Qual(implPath, "UsePins"))
	}
	return jen.Qual(implPath, "Features").Values(fields...)
}

// constants holds the names of values of enumerations.
var constants = map[any]string{
	spec.NoSlot: "NoSlot",

	spec.Data: "Data", spec.ROData: "ROData", spec.BSS: "BSS", spec.Kconfig: "Kconfig",
	spec.SizeCPUs: "SizeCPUs", spec.SizePages: "SizePages",
	spec.Kfunc: "Kfunc", spec.KsymVar: "KsymVar", spec.KsymAddr: "KsymAddr",

	spec.StepLoadBTF: "StepLoadBTF", spec.StepCreateMap: "StepCreateMap", spec.StepCreateInner: "StepCreateInner",
	spec.StepFillMap: "StepFillMap", spec.StepFreezeMap: "StepFreezeMap", spec.StepSetSlot: "StepSetSlot",
	spec.StepFindTarget: "StepFindTarget", spec.StepFindExtern: "StepFindExtern", spec.StepLoadProgram: "StepLoadProgram",
}

// literal returns a value of the Spec's types as Go source, without fields that are zero. A struct
// in a slice needs no type.
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
			s = jen.Qual(implPath, v.Type().Name())
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
			name = jen.Qual(implPath, elem.Name())
		}
		return jen.Index().Add(name).Custom(jen.Options{Open: "{", Close: "}", Separator: ",", Multi: elem.Kind() == reflect.Struct}, elems...)
	}
	if name := constants[v.Interface()]; name != "" {
		return jen.Qual(implPath, name)
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
	// The Spec has a field of a new kind.
	panic(fmt.Sprintf("codegen: Spec has a field of unsupported type %s", v.Type()))
}
