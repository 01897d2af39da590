//vmtest:all

package sys

import (
	"embed"
	"flag"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"path"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// What this package says of the kernel is compared with what the kernel's own BTF says. Kernels
// lack what is newer than they are; nothing may be missing from those that have newestCmd.

const newestCmd = "bpfprogassocstructops"

var btfFile = flag.String("btf", "", "compare with the BTF in this `file`, not with the running kernel's")

func kernelBTF(t *testing.T) *btf.Spec {
	t.Helper()
	var spec *btf.Spec
	var err error
	if *btfFile != "" {
		spec, err = btf.LoadSpec(*btfFile)
	} else {
		spec, err = btf.LoadKernelSpec()
	}
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// structs says what each struct of this package is for the kernel: a struct or union, then members
// of it. A name in parentheses is that of a field, and means the anonymous struct that has it.
// Fields are compared by name; names has those that are called otherwise.
var structs = []struct {
	value  any
	kernel string
	names  map[string]string
}{
	{MapCreateAttr{}, "bpf_attr.(map_type)", nil},
	{MapElemAttr{}, "bpf_attr.(key)", nil},
	{MapBatchAttr{}, "bpf_attr.batch", nil},
	{ProgLoadAttr{}, "bpf_attr.(prog_type)", nil},
	{BtfLoadAttr{}, "bpf_attr.(btf_log_buf)", nil},
	{ProgRunAttr{}, "bpf_attr.test", nil},
	{ObjAttr{}, "bpf_attr.(pathname)", nil},
	{ObjInfoAttr{}, "bpf_attr.info", nil},
	{GetFdByIDAttr{}, "bpf_attr.(start_id)", map[string]string{"Id": "prog_id"}},
	{ProgAttachAttr{}, "bpf_attr.(attach_bpf_fd)", nil},
	{RawTracepointAttr{}, "bpf_attr.raw_tracepoint", nil},
	{LinkCreateAttr{}, "bpf_attr.link_create", map[string]string{"Tail": "perf_event"}},
	{LinkIterTail{}, "bpf_attr.link_create.(iter_info)", nil},
	{LinkPerfEventTail{}, "bpf_attr.link_create.perf_event", nil},
	{LinkKprobeMultiTail{}, "bpf_attr.link_create.kprobe_multi", nil},
	{LinkTracingTail{}, "bpf_attr.link_create.tracing", nil},
	{LinkNetfilterTail{}, "bpf_attr.link_create.netfilter", nil},
	{LinkRelativeTail{}, "bpf_attr.link_create.tcx", nil},
	{LinkRelativeTail{}, "bpf_attr.link_create.netkit", nil},
	{LinkRelativeTail{}, "bpf_attr.link_create.cgroup", nil},
	{LinkUprobeMultiTail{}, "bpf_attr.link_create.uprobe_multi", nil},
	{LinkUpdateAttr{}, "bpf_attr.link_update", nil},
	{LinkDetachAttr{}, "bpf_attr.link_detach", nil},
	{IterCreateAttr{}, "bpf_attr.iter_create", nil},

	{MapInfo{}, "bpf_map_info", nil},
	{MapInfoHash{}, "bpf_map_info", nil},
	{ProgInfo{}, "bpf_prog_info", nil},
	{BtfInfo{}, "bpf_btf_info", nil},
	{LinkInfo{}, "bpf_link_info", map[string]string{"Tail": "raw_tracepoint"}},

	{Insn{}, "bpf_insn", map[string]string{"Regs": "dst_reg"}},
	{FuncInfo{}, "bpf_func_info", nil},
	{LineInfo{}, "bpf_line_info", nil},
	{CoreRelo{}, "bpf_core_relo", nil},

	{BtfHeader{}, "btf_header", nil},
	{BtfType{}, "btf_type", nil},
	{BtfArray{}, "btf_array", nil},
	{BtfMember{}, "btf_member", nil},
	{BtfEnum{}, "btf_enum", nil},
	{BtfEnum64{}, "btf_enum64", nil},
	{BtfParam{}, "btf_param", nil},
	{BtfVar{}, "btf_var", nil},
	{BtfVarSecinfo{}, "btf_var_secinfo", nil},
	{BtfDeclTag{}, "btf_decl_tag", nil},
}

// A kernelField is a member of a struct or union of the kernel's.
type kernelField struct {
	name         string // normalized
	offset, size uintptr
	bits         bool // a bit-field, whose size is less
}

func TestStructs(t *testing.T) {
	spec := kernelBTF(t)
	newest := enumerators(t, spec)[newestCmd] != nil
	for _, s := range structs {
		typ := reflect.TypeOf(s.value)
		t.Run(typ.Name()+" "+s.kernel, func(t *testing.T) {
			kernel := find(t, spec, s.kernel)
			if kernel == nil {
				if newest {
					t.Error("the kernel has no such struct")
				}
				t.Log("this kernel has no such struct")
				return
			}
			fields, size := flatten(t, kernel)
			covered := map[uintptr]bool{}
			for _, f := range reflect.VisibleFields(typ) {
				if f.Anonymous || f.Name == "_" {
					continue
				}
				offset := f.Offset
				if len(f.Index) > 1 { // of an embedded struct
					offset += typ.Field(f.Index[0]).Offset
				}
				name := normalize(f.Name)
				if other, ok := s.names[f.Name]; ok {
					name = normalize(other)
				}
				covered[offset] = true
				k := fieldOf(fields, name)
				switch {
				case k == nil && (newest || offset < size):
					t.Errorf("%s: the kernel's struct has no such field, and %d bytes", f.Name, size)
				case k == nil:
					t.Logf("%s: not on this kernel", f.Name)
				case offset != k.offset:
					t.Errorf("%s is at %d, the kernel's at %d", f.Name, offset, k.offset)
				case f.Type.Size() != k.size && !k.bits && f.Name != "Tail":
					t.Errorf("%s has %d bytes, the kernel's %d", f.Name, f.Type.Size(), k.size)
				}
				if f.Name == "Tail" { // a union: what is in it has structs of its own
					for at := range f.Type.Size() {
						covered[offset+at] = true
					}
				}
			}
			for _, k := range fields {
				if k.offset < typ.Size() && !covered[k.offset] {
					t.Errorf("the kernel has %s at %d, of %d bytes, and this package nothing", k.name, k.offset, k.size)
				}
			}
		})
	}
}

// normalize makes names of the kernel's and of Go the same.
func normalize(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

func fieldOf(fields []kernelField, name string) *kernelField {
	for i := range fields {
		if fields[i].name == name {
			return &fields[i]
		}
	}
	return nil
}

// find finds a struct or union; see structs. It is nil if the kernel has none.
func find(t *testing.T, spec *btf.Spec, name string) btf.Type {
	t.Helper()
	head, rest, _ := strings.Cut(name, ".")
	candidates, err := spec.AnyTypesByName(head)
	if err != nil {
		return nil
	}
	var typ btf.Type
	for _, c := range candidates {
		if members(c) != nil {
			typ = c
		}
	}
	for rest != "" && typ != nil {
		head, rest, _ = strings.Cut(rest, ".")
		typ = member(typ, head)
	}
	return typ
}

func members(typ btf.Type) []btf.Member {
	switch typ := btf.UnderlyingType(typ).(type) {
	case *btf.Struct:
		return typ.Members
	case *btf.Union:
		return typ.Members
	}
	return nil
}

// member is the type of a member, also of anonymous unions within.
func member(typ btf.Type, name string) btf.Type {
	field, anonymous := strings.CutPrefix(name, "(")
	field = strings.TrimSuffix(field, ")")
	for _, m := range members(typ) {
		if m.Name == name {
			return m.Type
		}
		if m.Name != "" {
			continue
		}
		if _, is := btf.UnderlyingType(m.Type).(*btf.Struct); anonymous && is {
			for _, inner := range members(m.Type) {
				if inner.Name == field || inner.Name == "" && member(inner.Type, field) != nil {
					return m.Type
				}
			}
		}
		if found := member(m.Type, name); found != nil {
			return found
		}
	}
	return nil
}

// flatten lists the fields of a struct, with those of anonymous structs and unions in it. The size
// is up to the last field's end.
func flatten(t *testing.T, typ btf.Type) (fields []kernelField, size uintptr) {
	t.Helper()
	for _, m := range members(typ) {
		offset := uintptr(m.Offset.Bytes())
		if m.Name == "" {
			inner, _ := flatten(t, m.Type)
			for _, f := range inner {
				f.offset += offset
				fields = append(fields, f)
				size = max(size, f.offset+f.size)
			}
			continue
		}
		n, err := btf.Sizeof(m.Type)
		if err != nil {
			t.Fatalf("%s: %v", m.Name, err)
		}
		fields = append(fields, kernelField{normalize(m.Name), offset, uintptr(n), m.BitfieldSize != 0})
		size = max(size, offset+uintptr(n))
	}
	return fields, size
}

// enums says which constants of this package are which of the kernel's: those that begin with a
// prefix. All of an enum that has a name have to be there, from 1 on.
var enums = []struct {
	prefix, kernel, enum string
}{
	{"Cmd", "BPF_", "bpf_cmd"},
	{"MapType", "BPF_MAP_TYPE_", "bpf_map_type"},
	{"ProgType", "BPF_PROG_TYPE_", "bpf_prog_type"},
	{"Attach", "BPF_", "bpf_attach_type"},
	{"LinkType", "BPF_LINK_TYPE_", "bpf_link_type"},
	{"Core", "BPF_CORE_", "bpf_core_relo_kind"},
	{"Func", "BPF_FUNC_", "bpf_func_id"},
	{"BtfFunc", "BTF_FUNC_", "btf_func_linkage"},
	{"BtfKind", "BTF_KIND_", ""},
	{"Ringbuf", "BPF_RINGBUF_", ""},
	{"Elem", "BPF_", ""},
	{"Flag", "BPF_F_", ""},
}

// defines are constants that are macros in the kernel's headers, which BTF does not have, as others
// have written them down.
var defines = map[string]uint64{
	"FlagSleepable": unix.BPF_F_SLEEPABLE, "FlagXDPHasFrags": unix.BPF_F_XDP_HAS_FRAGS,
	"FlagReplace": unix.BPF_F_REPLACE, "FlagBefore": unix.BPF_F_BEFORE, "FlagAfter": unix.BPF_F_AFTER, "FlagID": unix.BPF_F_ID,
	"FlagNetfilterIPDefrag": unix.BPF_F_NETFILTER_IP_DEFRAG, "FlagTestXDPLiveFrames": unix.BPF_F_TEST_XDP_LIVE_FRAMES,
	"ObjNameLen": unix.BPF_OBJ_NAME_LEN,

	"LD": uint64(asm.LdClass), "LDX": uint64(asm.LdXClass), "ST": uint64(asm.StClass), "STX": uint64(asm.StXClass),
	"ALU": uint64(asm.ALUClass), "JMP": uint64(asm.JumpClass), "JMP32": uint64(asm.Jump32Class), "ALU64": uint64(asm.ALU64Class),
	"W": uint64(asm.Word), "H": uint64(asm.Half), "B": uint64(asm.Byte), "DW": uint64(asm.DWord),
	"IMM": uint64(asm.ImmMode), "MEM": uint64(asm.MemMode), "ATOMIC": uint64(asm.AtomicMode),
	"ADD": uint64(asm.Add), "SUB": uint64(asm.Sub), "MUL": uint64(asm.Mul), "DIV": uint64(asm.Div), "OR": uint64(asm.Or),
	"AND": uint64(asm.And), "LSH": uint64(asm.LSh), "RSH": uint64(asm.RSh), "NEG": uint64(asm.Neg), "MOD": uint64(asm.Mod),
	"XOR": uint64(asm.Xor), "MOV": uint64(asm.Mov), "ARSH": uint64(asm.ArSh), "END": uint64(asm.Swap),
	"JA": uint64(asm.Ja), "JEQ": uint64(asm.JEq), "JNE": uint64(asm.JNE), "JLT": uint64(asm.JLT), "CALL": uint64(asm.Call), "EXIT": uint64(asm.Exit),
	"K": uint64(asm.ImmSource), "X": uint64(asm.RegSource),

	"PseudoMapFd": unix.BPF_PSEUDO_MAP_FD, "PseudoMapValue": unix.BPF_PSEUDO_MAP_VALUE, "PseudoBtfID": unix.BPF_PSEUDO_BTF_ID,
	"PseudoFunc": unix.BPF_PSEUDO_FUNC, "PseudoMapIdx": unix.BPF_PSEUDO_MAP_IDX, "PseudoMapIdxValue": unix.BPF_PSEUDO_MAP_IDX_VALUE,
	"PseudoCall": unix.BPF_PSEUDO_CALL, "PseudoKfuncCall": unix.BPF_PSEUDO_KFUNC_CALL,
}

// unchecked are prefixes of constants that say nothing of their own, or that nobody else has.
var unchecked = []string{"Op", "Btf", "ENOTSUPP"}

func TestConstants(t *testing.T) {
	spec := kernelBTF(t)
	kernel := enumerators(t, spec)
	newest := kernel[newestCmd] != nil
	checked := map[string]bool{} // names of the kernel's
constants:
	for name, value := range constants(t) {
		if want, ok := defines[name]; ok {
			if value != want {
				t.Errorf("%s is %#x, want %#x", name, value, want)
			}
			continue
		}
		for _, e := range enums {
			rest, ok := strings.CutPrefix(name, e.prefix)
			if !ok || rest == "" {
				continue
			}
			its := normalize(e.kernel + rest)
			checked[its] = true
			switch values := kernel[its]; {
			case len(values) == 0 && (newest || e.enum != "" && value <= last(t, spec, e.enum)):
				t.Errorf("%s: the kernel has no %s%s", name, e.kernel, rest)
			case len(values) == 0:
				t.Logf("%s: not on this kernel", name)
			case !values[value]:
				t.Errorf("%s is %d, the kernel's %v", name, value, values)
			}
			continue constants
		}
		for _, prefix := range unchecked {
			if strings.HasPrefix(name, prefix) {
				continue constants
			}
		}
		t.Errorf("nothing checks %s", name)
	}
	// An enum that iota counts is whole.
	for _, name := range []string{"bpf_cmd", "bpf_map_type", "bpf_prog_type", "bpf_attach_type", "bpf_link_type", "bpf_core_relo_kind"} {
		for _, v := range enum(t, spec, name).Values {
			known := checked[normalize(v.Name)] || strings.HasPrefix(v.Name, "__MAX") || strings.HasSuffix(v.Name, "_UNSPEC") ||
				strings.HasSuffix(v.Name, "_DEPRECATED") || v.Name == "BPF_PROG_TEST_RUN" || v.Name == "BPF_COMMON_ATTRS"
			if !known {
				t.Errorf("%s: this package has no %s = %d", name, v.Name, v.Value)
			}
		}
	}
}

// enumerators are the values of all of the kernel's enumerators, by their normalized names. Two
// enums may have enumerators of one name.
func enumerators(t *testing.T, spec *btf.Spec) map[string]map[uint64]bool {
	t.Helper()
	all := map[string]map[uint64]bool{}
	for typ, err := range spec.All() {
		if err != nil {
			t.Fatal(err)
		}
		e, ok := typ.(*btf.Enum)
		if !ok {
			continue
		}
		for _, v := range e.Values {
			if strings.HasPrefix(v.Name, "BPF_") || strings.HasPrefix(v.Name, "BTF_") {
				name := normalize(v.Name)
				if all[name] == nil {
					all[name] = map[uint64]bool{}
				}
				all[name][v.Value] = true
			}
		}
	}
	return all
}

func enum(t *testing.T, spec *btf.Spec, name string) *btf.Enum {
	t.Helper()
	var e *btf.Enum
	if err := spec.TypeByName(name, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// last is the largest value of an enum.
func last(t *testing.T, spec *btf.Spec, name string) (largest uint64) {
	t.Helper()
	for _, v := range enum(t, spec, name).Values {
		if !strings.HasPrefix(v.Name, "__MAX") && v.Name != "BPF_COMMON_ATTRS" {
			largest = max(largest, v.Value)
		}
	}
	return largest
}

//go:embed *.go
var sources embed.FS

// constants are the exported constants of this package.
func constants(t *testing.T) map[string]uint64 {
	t.Helper()
	entries, err := sources.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		text, err := sources.ReadFile(path.Join(".", e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		f, err := parser.ParseFile(fset, e.Name(), text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	// Imports cannot be resolved here: package unsafe is all that constants need.
	conf := types.Config{Error: func(error) {}, Sizes: types.SizesFor("gc", runtime.GOARCH)}
	pkg, _ := conf.Check("sys", fset, files, nil)
	all := map[string]uint64{}
	for _, name := range pkg.Scope().Names() {
		if c, ok := pkg.Scope().Lookup(name).(*types.Const); ok && c.Exported() && c.Val().Kind() == constant.Int {
			v, exact := constant.Uint64Val(constant.ToInt(c.Val()))
			if !exact {
				t.Fatalf("%s is %v", name, c.Val())
			}
			all[name] = v
		}
	}
	if len(all) < 200 {
		t.Fatalf("found only %d constants", len(all))
	}
	return all
}

// Every struct of this package is compared.
func TestStructsAreListed(t *testing.T) {
	listed := map[string]bool{}
	for _, s := range structs {
		listed[reflect.TypeOf(s.value).Name()] = true
	}
	entries, err := sources.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		text, err := sources.ReadFile(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		f, err := parser.ParseFile(token.NewFileSet(), e.Name(), text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			gen, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, s := range gen.Specs {
				spec, ok := s.(*ast.TypeSpec)
				if !ok {
					continue
				}
				if _, ok := spec.Type.(*ast.StructType); ok && spec.Name.IsExported() && !listed[spec.Name.Name] {
					t.Errorf("struct %s is not compared with the kernel's", spec.Name.Name)
				}
			}
		}
	}
}
