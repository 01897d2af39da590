package object

import (
	"debug/elf"
	"encoding/binary"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
)

func TestBufferSizes(t *testing.T) {
	obj := read(t, "peer/records", testobj.Options{})
	type sizes struct {
		Key, Value, Entries uint32
		Record              string // the type named by the definition
	}
	got := map[string]sizes{}
	for _, m := range obj.Maps {
		s := sizes{Key: m.KeySize, Value: m.ValueSize, Entries: m.MaxEntries}
		if m.Value != nil {
			s.Record = m.Value.TypeName()
		}
		got[m.Name] = s
		if m.Name != "three" && m.ValueTypeID != 0 {
			t.Errorf("%s has BTF, which the kernel would refuse", m.Name)
		}
	}
	want := map[string]sizes{
		"ring":      {0, 0, 4096, "event"},
		"from_user": {0, 0, 4096, "event"},
		"samples":   {4, 4, 0, "sample_t"},
		"bare":      {4, 4, 0, ""},
		"files":     {4, 4, 0, "int"},
		"cpus":      {4, 4, 0, ""},
		"three":     {4, 8, 3, "__u64"}, // by __ulong
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !findMap(t, obj, "cpus").SizedByCPUs() || findMap(t, obj, "three").SizedByCPUs() {
		t.Error("only maps without a size should be sized by the number of CPUs")
	}
}

func TestPinningIsKept(t *testing.T) {
	if got := findMap(t, read(t, "peer/pinning", testobj.Options{}), "mine").Pinning; got != 100 {
		t.Errorf("pinning is %d", got)
	}
}

func TestLegacyMaps(t *testing.T) {
	obj := read(t, "peer/legacy_maps", testobj.Options{})
	var names []string
	for _, m := range obj.Maps {
		names = append(names, m.Name)
	}
	if diff := cmp.Diff([]string{"modern", "old", "flows", "events"}, names); diff != "" {
		t.Errorf("maps (-want +got):\n%s", diff)
	}
	flows := findMap(t, obj, "flows")
	if flows.Type != uint32(ebpf.Hash) || flows.KeySize != 8 || flows.ValueSize != 8 || flows.MaxEntries != 32 || flows.Flags != 1 {
		t.Errorf("flows: %+v", flows)
	}
	if flows.Key == nil || flows.Key.TypeName() != "flow" || flows.KeyTypeID == 0 {
		t.Errorf("flows: the key is of type %v", flows.Key)
	}
	if events := findMap(t, obj, "events"); events.KeySize != 4 || events.ValueSize != 4 {
		t.Errorf("events: %+v", events)
	}
	// The program refers to each map.
	used := map[int32]bool{}
	for _, in := range obj.Programs[0].Insns {
		if in.IsLdImm64() && in.Src == sys.PseudoMapIdx {
			used[in.Imm] = true
		}
	}
	if len(used) != 4 {
		t.Errorf("the program refers to maps %v", used)
	}
}

// legacyDef returns a section with one definition of at least five words.
func legacyDef(words ...uint32) tinySection {
	var def []byte
	for _, w := range words {
		def = binary.LittleEndian.AppendUint32(def, w)
	}
	return tinySection{"maps", elf.SHT_PROGBITS, elf.SHF_ALLOC | elf.SHF_WRITE, def, "m", elf.STB_GLOBAL, elf.STT_OBJECT}
}

func TestInvalidLegacyMaps(t *testing.T) {
	for _, test := range []struct {
		section tinySection
		want    string // "" if it is accepted
	}{
		{legacyDef(2, 4, 8, 1, 0), ""},
		{legacyDef(2, 4, 8, 1, 0, 0, 0), ""},
		{legacyDef(2, 4, 8, 1), "x.o: section maps: m: definition of 16 bytes: struct bpf_map_def has 20"},
		{legacyDef(2, 4, 8, 1, 0, 0, 2), "x.o: section maps: m: definition has more than type, sizes, max_entries and flags: define the map in section .maps"},
		{legacyDef(0, 4, 8, 1, 0), "x.o: section maps: m: no map type: set member type"},
		{tinySection{name: "maps", typ: elf.SHT_PROGBITS, data: make([]byte, 20)}, "x.o: section maps: no symbols for the maps in this section: do not strip them"},
	} {
		got := ""
		if _, err := Parse("x.o", tinyELF(t, tinyProgram("xdp", "f", elf.STB_GLOBAL), test.section)); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%d bytes:\n got %s\nwant %s", len(test.section.data), got, test.want)
		}
	}
}

func TestObjectWithoutBTF(t *testing.T) {
	obj := read(t, "peer/no_btf", testobj.Options{})
	if obj.BTF != nil || obj.Types == nil {
		t.Errorf("BTF of %d bytes", len(obj.BTF))
	}
	got := map[string]string{}
	for _, m := range obj.Maps {
		for _, v := range m.Vars {
			got[m.Name+" "+v.Name] = ebpf.MapType(m.Type).String()
			if v.Size != 4 && v.Size != 8 || v.Static {
				t.Errorf("%s: %+v", m.Name, v)
			}
		}
	}
	if diff := cmp.Diff(map[string]string{".rodata step": "Array", ".bss total": "Array"}, got); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	if p := obj.Programs[0]; p.FuncInfos != nil || p.LineInfos != nil || len(p.Insns) < 10 {
		t.Errorf("program: %d instructions, %v", len(p.Insns), p.FuncInfos)
	}
}

func TestUncalledStaticFunctionsArePrograms(t *testing.T) {
	obj := read(t, "peer/static_program", testobj.Options{})
	var names []string
	for _, p := range obj.Programs {
		names = append(names, p.Name)
	}
	if diff := cmp.Diff([]string{"hidden", "fine"}, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPointersInDataGiveWarnings(t *testing.T) {
	for name, want := range map[string]string{
		"peer/data_pointer": "section .data: pointer to target at offset 8 of initialized data is not valid in the kernel: set it when a program runs",
		"peer/arena_pointer": "section .addr_space.1: pointer to target at offset 8 of initialized data is not valid in the kernel: " +
			"set it when a program runs",
	} {
		if diff := cmp.Diff([]string{want}, read(t, name, testobj.Options{}).Warnings); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestUnknownSections(t *testing.T) {
	obj := read(t, "peer/unknown_sections", testobj.Options{})
	want := []string{`program mistaken is not loaded: unknown program section "cgroup/connect" (did you mean "cgroup/connect4"?)`}
	if diff := cmp.Diff(want, obj.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	got := map[string]bool{}
	for _, p := range obj.Programs {
		got[p.Name] = p.AutoLoad
	}
	if diff := cmp.Diff(map[string]bool{"optional": false, "mistaken": false, "pass": true}, got); diff != "" {
		t.Errorf("what is loaded (-want +got):\n%s", diff)
	}
}

func TestNamedConstantsInAssembly(t *testing.T) {
	obj := read(t, "peer/asm_constant", testobj.Options{})
	want := []string{
		"LIMIT: undefined constant in assembly: it is 0 unless runtime.SetConstant sets it before Load",
		"FLOOR: undefined constant in assembly: it is 0 unless runtime.SetConstant sets it before Load",
	}
	if diff := cmp.Diff(want, obj.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

// An undefined symbol matters only if a program uses it.
func TestUndefinedSymbols(t *testing.T) {
	if obj := read(t, "peer/undefined_unused", testobj.Options{}); len(obj.Externs) != 0 {
		t.Errorf("externs: %v", obj.Externs)
	}
	for _, name := range []string{"bad/undefined_func", "bad/undefined_var"} {
		_, err := Read(testobj.Compile(t, name, testobj.Options{}))
		want := ".bpf.o: nowhere_to_be_found: undefined: define it in this object, or declare it __ksym or __kconfig"
		if err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLicenseSymbolPosition(t *testing.T) {
	if got := read(t, "peer/license_prefix", testobj.Options{}).License; got != "GPL" {
		t.Errorf("license %q", got)
	}
}

func TestDeclaredInnerValue(t *testing.T) {
	_, err := Read(testobj.Compile(t, "bad/inner_value_forward", testobj.Options{CC: "clang-14"}))
	want := "section .maps: outer: values: value: unknown size: the object only has a declaration of struct locked: " +
		"if this is an inner map and the source defines the struct, compile with clang 22, " +
		"or define an instance of the inner map (struct INNER instance SEC(\".maps\")) that a program uses before this one"
	if err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("\n got %v\nwant %s", err, want)
	}
	read(t, "bad/inner_value_forward", testobj.Options{CC: "clang-22"})
}

// ciliumOnly are objects from cilium/ebpf's own tests that it reads and this package does not, and
// why. It leaves undefined symbols in them to Go code, and cannot load them either.
var ciliumOnly = map[string]string{
	"fwd_decl":            "fwd: undefined",
	"linked1":             "l2: undefined",
	"linked2":             "l1: undefined",
	"tags":                "fwdDecl: undefined",
	"invalid_map":         "definition has more", // its load fails for the same reason
	"iproute2_map_compat": "definition has more",
}

// This package reads all of cilium/ebpf's test objects that cilium/ebpf reads.
func TestCiliumTestObjects(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/cilium/ebpf").Output()
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, pattern := range []string{"testdata/*-e[lb].elf", "btf/testdata/*-e[lb].elf"} {
		found, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), pattern))
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, found...)
	}
	if len(paths) < 50 {
		t.Fatalf("only %d objects", len(paths))
	}
	both := 0
	for _, path := range paths {
		base := filepath.Base(path)
		name := base[:len(base)-len("-el.elf")]
		_, theirs := ebpf.LoadCollectionSpec(path)
		_, ours := Read(path)
		switch why := ciliumOnly[name]; {
		case why != "" && (ours == nil || !strings.Contains(ours.Error(), why)):
			t.Errorf("%s: %v, want %q", base, ours, why)
		case why == "" && theirs == nil && ours != nil:
			t.Errorf("%s: cilium/ebpf reads it: %v", base, ours)
		case theirs == nil && ours == nil:
			both++
		}
	}
	t.Logf("%d objects, %d read by both", len(paths), both)
}

// Kernels before 6.9 refuse BTF with section names such as maps/events.
func TestDataSectionNamesWorkOnAllKernels(t *testing.T) {
	obj := read(t, "peer/legacy_maps", testobj.Options{})
	raw, err := parseBTF(obj.BTF, obj.ByteOrder)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for id := btf.TypeID(1); raw.has(id); id++ {
		if raw.kind(id) == kindDatasec {
			names[raw.name(id)] = true
		}
	}
	want := map[string]bool{"maps": true, ".maps": true, ".maps.flows": true, "events": true, "license": true}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// For a compiler's jump table, the error says how to avoid it.
func TestJumpTablesAreRefused(t *testing.T) {
	_, err := Read(testobj.Compile(t, "v4/jump_table", testobj.Options{CC: "clang-22", CPU: "v4"}))
	if err == nil || !strings.Contains(err.Error(), "jump_table.bpf.o: section tc: choose: instruction ") || !strings.Contains(err.Error(), "-fno-jump-tables") {
		t.Errorf("error %v", err)
	}
	opts := testobj.Options{CC: "clang-22", CPU: "v4", CFlags: []string{"-fno-jump-tables"}}
	if _, err := Read(testobj.Compile(t, "v4/jump_table", opts)); err != nil {
		t.Error(err)
	}
}

// An object records whether the kernel may refuse its BTF. An enum that is only declared is
// repaired.
func TestOddBTF(t *testing.T) {
	for name, want := range map[string]bool{"btf_odd": true, "btf_kinds": false, "odd/btf_forward_enum": false, "data_managed": false, "linked/lib": false} {
		obj, err := Read(testobj.Compile(t, name, testobj.Options{}))
		if err != nil {
			t.Fatal(err)
		}
		if obj.OddBTF != want {
			t.Errorf("%s: odd: %v, want %v", name, obj.OddBTF, want)
		}
	}
}
