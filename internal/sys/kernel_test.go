//vmtest:all

package sys

import (
	"embed"
	"errors"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"path"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys/systest"
)

// The structs of this package agree with the kernel's own BTF.

var structs = []systest.Struct{
	{Value: MapCreateAttr{}, Kernel: "bpf_attr.(map_type)"},
	{Value: MapElemAttr{}, Kernel: "bpf_attr.(key)"},
	{Value: MapBatchAttr{}, Kernel: "bpf_attr.batch"},
	{Value: ProgLoadAttr{}, Kernel: "bpf_attr.(prog_type)"},
	{Value: BtfLoadAttr{}, Kernel: "bpf_attr.(btf_log_buf)"},
	{Value: ProgRunAttr{}, Kernel: "bpf_attr.test"},
	{Value: ObjAttr{}, Kernel: "bpf_attr.(pathname)"},
	{Value: ObjInfoAttr{}, Kernel: "bpf_attr.info"},
	{Value: GetFdByIDAttr{}, Kernel: "bpf_attr.(start_id)", Names: map[string]string{"Id": "prog_id"}},
	{Value: ProgAttachAttr{}, Kernel: "bpf_attr.(attach_bpf_fd)"},
	{Value: RawTracepointAttr{}, Kernel: "bpf_attr.raw_tracepoint"},
	{Value: LinkCreateAttr{}, Kernel: "bpf_attr.link_create", Names: map[string]string{"Tail": "perf_event+"}},
	{Value: LinkIterTail{}, Kernel: "bpf_attr.link_create.(iter_info)"},
	{Value: LinkPerfEventTail{}, Kernel: "bpf_attr.link_create.perf_event"},
	{Value: LinkKprobeMultiTail{}, Kernel: "bpf_attr.link_create.kprobe_multi"},
	{Value: LinkTracingTail{}, Kernel: "bpf_attr.link_create.tracing"},
	{Value: LinkNetfilterTail{}, Kernel: "bpf_attr.link_create.netfilter"},
	{Value: LinkRelativeTail{}, Kernel: "bpf_attr.link_create.tcx"},
	{Value: LinkRelativeTail{}, Kernel: "bpf_attr.link_create.netkit"},
	{Value: LinkRelativeTail{}, Kernel: "bpf_attr.link_create.cgroup"},
	{Value: LinkUprobeMultiTail{}, Kernel: "bpf_attr.link_create.uprobe_multi"},
	{Value: LinkTracingMultiTail{}, Kernel: "bpf_attr.link_create.tracing_multi"},
	{Value: ProgBindMapAttr{}, Kernel: "bpf_attr.prog_bind_map"},
	{Value: EnableStatsAttr{}, Kernel: "bpf_attr.enable_stats"},
	{Value: TokenCreateAttr{}, Kernel: "bpf_attr.token_create"},
	{Value: LinkUpdateAttr{}, Kernel: "bpf_attr.link_update"},
	{Value: LinkDetachAttr{}, Kernel: "bpf_attr.link_detach"},
	{Value: IterCreateAttr{}, Kernel: "bpf_attr.iter_create"},

	{Value: MapInfo{}, Kernel: "bpf_map_info"},
	{Value: MapInfoHash{}, Kernel: "bpf_map_info"},
	{Value: ProgInfo{}, Kernel: "bpf_prog_info"},
	{Value: BtfInfo{}, Kernel: "bpf_btf_info"},
	{Value: LinkInfo{}, Kernel: "bpf_link_info", Names: map[string]string{"Tail": "raw_tracepoint+"}},
	{Value: LinkInfoTracing{}, Kernel: "bpf_link_info.tracing"},
	{Value: LinkInfoCgroup{}, Kernel: "bpf_link_info.cgroup"},
	{Value: LinkInfoNetNS{}, Kernel: "bpf_link_info.netns"},
	{Value: LinkInfoXDP{}, Kernel: "bpf_link_info.xdp"},
	{Value: LinkInfoDevice{}, Kernel: "bpf_link_info.tcx"},
	{Value: LinkInfoDevice{}, Kernel: "bpf_link_info.netkit"},
	{Value: LinkInfoMap{}, Kernel: "bpf_link_info.sockmap"},
	{Value: LinkInfoKprobeMulti{}, Kernel: "bpf_link_info.kprobe_multi"},
	{Value: LinkInfoNetfilter{}, Kernel: "bpf_link_info.netfilter"},
	{Value: LinkInfoTracingMulti{}, Kernel: "bpf_link_info.tracing_multi"},
	{Value: IterLinkInfoMap{}, Kernel: "bpf_iter_link_info.map"},
	{Value: IterLinkInfoCgroup{}, Kernel: "bpf_iter_link_info.cgroup"},
	{Value: IterLinkInfoTask{}, Kernel: "bpf_iter_link_info.task"},

	{Value: Insn{}, Kernel: "bpf_insn", Names: map[string]string{"Regs": "dst_reg"}},
	{Value: FuncInfo{}, Kernel: "bpf_func_info"},
	{Value: LineInfo{}, Kernel: "bpf_line_info"},
	{Value: CoreRelo{}, Kernel: "bpf_core_relo"},

	{Value: BtfHeader{}, Kernel: "btf_header"},
	{Value: BtfType{}, Kernel: "btf_type"},
	{Value: BtfArray{}, Kernel: "btf_array"},
	{Value: BtfMember{}, Kernel: "btf_member"},
	{Value: BtfEnum{}, Kernel: "btf_enum"},
	{Value: BtfEnum64{}, Kernel: "btf_enum64"},
	{Value: BtfParam{}, Kernel: "btf_param"},
	{Value: BtfVar{}, Kernel: "btf_var"},
	{Value: BtfVarSecinfo{}, Kernel: "btf_var_secinfo"},
	{Value: BtfDeclTag{}, Kernel: "btf_decl_tag"},
}

func TestStructs(t *testing.T) { systest.Structs(t, structs) }

// enums maps constants of this package, by prefix, to the kernel's enums. A named enum must be
// complete, from 1 on.
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
	{"CgroupIter", "BPF_CGROUP_ITER_", "bpf_cgroup_iter_order"},
	{"BtfFunc", "BTF_FUNC_", "btf_func_linkage"},
	{"BtfKind", "BTF_KIND_", ""},
	{"Ringbuf", "BPF_RINGBUF_", ""},
	{"Elem", "BPF_", ""},
	{"Flag", "BPF_F_", ""},
}

// defines holds the independently recorded values of constants that are macros in the kernel's
// headers, and so not in BTF.
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
	"JA": uint64(asm.Ja), "JEQ": uint64(asm.JEq), "JNE": uint64(asm.JNE), "JGT": uint64(asm.JGT), "JLT": uint64(asm.JLT), "CALL": uint64(asm.Call), "EXIT": uint64(asm.Exit),
	"K": uint64(asm.ImmSource), "X": uint64(asm.RegSource),

	"PseudoMapFd": unix.BPF_PSEUDO_MAP_FD, "PseudoMapValue": unix.BPF_PSEUDO_MAP_VALUE, "PseudoBtfID": unix.BPF_PSEUDO_BTF_ID,
	"PseudoFunc": unix.BPF_PSEUDO_FUNC, "PseudoMapIdx": unix.BPF_PSEUDO_MAP_IDX, "PseudoMapIdxValue": unix.BPF_PSEUDO_MAP_IDX_VALUE,
	"PseudoCall": unix.BPF_PSEUDO_CALL, "PseudoKfuncCall": unix.BPF_PSEUDO_KFUNC_CALL,
}

// unchecked lists prefixes of constants that belong to this package or have no independent source.
var unchecked = []string{"Op", "Btf", "ENOTSUPP"}

func TestConstants(t *testing.T) {
	spec := systest.KernelBTF(t)
	kernel := enumerators(t, spec)
	newest := systest.Newest(t, spec)
	checked := map[string]bool{} // by the kernel's name
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
			its := systest.Normalize(e.kernel + rest)
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
		t.Errorf("%s is not checked", name)
	}
	// An enum that is counted by iota is complete.
	for _, name := range []string{"bpf_cmd", "bpf_map_type", "bpf_prog_type", "bpf_attach_type", "bpf_link_type", "bpf_core_relo_kind"} {
		for _, v := range enum(t, spec, name).Values {
			known := checked[systest.Normalize(v.Name)] || isEnd(v.Name) || strings.HasSuffix(v.Name, "_UNSPEC") ||
				strings.HasSuffix(v.Name, "_DEPRECATED") || v.Name == "BPF_PROG_TEST_RUN" || v.Name == "BPF_COMMON_ATTRS"
			if !known {
				t.Errorf("%s: this package has no %s = %d", name, v.Name, v.Value)
			}
		}
	}
}

// Types have the kernel's names.
func TestTypeNames(t *testing.T) {
	spec := systest.KernelBTF(t)
	for name, symbol := range map[string]func(uint32) string{"bpf_map_type": MapTypeSymbol, "bpf_prog_type": ProgTypeSymbol} {
		names := map[uint64][]string{} // some also have an old name
		for _, v := range enum(t, spec, name).Values {
			if !isEnd(v.Name) {
				names[v.Value] = append(names[v.Value], v.Name)
			}
		}
		for value, list := range names {
			if got := symbol(uint32(value)); !slices.Contains(list, got) {
				t.Errorf("%s %d is %s, the kernel's %v", name, value, got, list)
			}
		}
	}
	for got, want := range map[string]string{
		MapTypeSymbol(1 << 31): "map type 2147483648", ProgTypeSymbol(999): "program type 999", MapTypeName(MapTypeLRUHash): "lru_hash", ProgTypeName(99): "type 99",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// enumerators returns the values of all of the kernel's enumerators, by normalized name. Different
// enums may have enumerators with the same name.
func enumerators(t *testing.T, spec *btf.Spec) map[string]map[uint64]bool {
	t.Helper()
	all := map[string]map[uint64]bool{}
	for id := btf.TypeID(1); ; id++ {
		typ, err := spec.TypeByID(id)
		if errors.Is(err, btf.ErrNotFound) {
			break
		}
		e, ok := typ.(*btf.Enum)
		if !ok {
			continue // or not readable by package btf on a 32-bit machine
		}
		for _, v := range e.Values {
			if strings.HasPrefix(v.Name, "BPF_") || strings.HasPrefix(v.Name, "BTF_") {
				name := systest.Normalize(v.Name)
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

// isEnd reports whether an enumerator marks the end of its enum: __MAX_BPF_CMD, or
// MAX_BPF_LINK_TYPE in 6.1.
func isEnd(name string) bool { return strings.HasPrefix(strings.TrimPrefix(name, "__"), "MAX_BPF_") }

// last returns the largest value of an enum.
func last(t *testing.T, spec *btf.Spec, name string) (largest uint64) {
	t.Helper()
	for _, v := range enum(t, spec, name).Values {
		if !isEnd(v.Name) && v.Name != "BPF_COMMON_ATTRS" {
			largest = max(largest, v.Value)
		}
	}
	return largest
}

//go:embed *.go
var sources embed.FS

// constants returns the exported constants of this package.
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
	// Imports cannot be resolved here, but constants only need package unsafe.
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
		listed[reflect.TypeOf(s.Value).Name()] = true
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
					t.Errorf("struct %s is not compared with the kernel's struct", spec.Name.Name)
				}
			}
		}
	}
}
