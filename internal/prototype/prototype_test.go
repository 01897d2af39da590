package prototype

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
)

var (
	integer = &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	long    = &btf.Int{Name: "unsigned long", Size: 8}
	u64     = &btf.Typedef{Name: "u64", Type: long}
	enum    = &btf.Enum{Name: "how", Size: 4, Values: []btf.EnumValue{{Name: "SO"}}}
	enum64  = &btf.Enum{Name: "how64", Size: 8, Values: []btf.EnumValue{{Name: "SO64"}}}
	task    = &btf.Struct{Name: "task_struct", Size: 4, Members: []btf.Member{{Name: "pid", Type: integer}}}
	mine    = &btf.Struct{Name: "task_struct___mine", Size: 8, Members: []btf.Member{{Name: "tgid", Type: long}}}
	some    = &btf.Union{Name: "some", Size: 4, Members: []btf.Member{{Name: "a", Type: integer}}}
	fwd     = &btf.Fwd{Name: "task_struct", Kind: btf.FwdStruct}
	fwdU    = &btf.Fwd{Name: "some", Kind: btf.FwdUnion}
	handle  = &btf.Typedef{Name: "handle_t", Type: to(task)}
)

func to(t btf.Type) btf.Type { return &btf.Pointer{Target: t} }

// proto returns a prototype whose arguments have the kernel's names.
func proto(ret btf.Type, args ...btf.Type) *btf.FuncProto {
	p := &btf.FuncProto{Return: ret}
	for i, t := range args {
		p.Params = append(p.Params, btf.FuncParam{Name: string(rune('a' + i)), Type: t})
	}
	return p
}

var void = (*btf.Void)(nil)

func TestCompatiblePrototypes(t *testing.T) {
	for name, tt := range map[string]struct{ source, kernel btf.Type }{
		"same":                        {proto(to(task), to(task), integer), proto(to(task), to(task), integer)},
		"other size and sign":         {proto(integer, u64), proto(long, integer)},
		"qualifiers":                  {proto(void, to(&btf.Const{Type: task})), proto(void, &btf.Const{Type: to(&btf.Volatile{Type: task})})},
		"typedef of a pointer":        {proto(void, to(task)), proto(void, handle)},
		"tag":                         {proto(void, to(task)), proto(void, to(&btf.TypeTag{Value: "rcu", Type: task}))},
		"names":                       {proto(void, to(mine)), proto(void, to(task))},
		"enums of both kinds":         {proto(void, enum), proto(void, enum64)},
		"declared in the source only": {proto(to(fwd), to(fwdU)), proto(to(task), to(some))},
		"declared by the kernel only": {proto(void, to(task)), proto(void, to(fwd))},
		"array":                       {proto(void, to(&btf.Array{Type: integer, Index: integer, Nelems: 2})), proto(void, to(&btf.Array{Type: u64, Index: integer, Nelems: 3}))},
		"callback":                    {proto(void, to(proto(integer, to(void)))), proto(void, to(proto(long, to(void))))},
	} {
		s := &Symbol{Name: "bpf_foo", Type: tt.source, Func: true}
		if err := compare(s, tt.kernel, vmlinux); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMismatches(t *testing.T) {
	for name, tt := range map[string]struct {
		source, kernel btf.Type
		want           string
	}{
		"number for a pointer":        {proto(void, to(task), u64), proto(void, to(task), to(task)), "argument 2 (b) is u64 in the source, struct task_struct * in vmlinux"},
		"pointer for a number":        {proto(void, to(&btf.Const{Type: task})), proto(void, integer), "argument 1 (a) is const struct task_struct * in the source, int in vmlinux"},
		"pointer to something else":   {proto(void, to(void)), proto(void, to(to(task))), "argument 1 (a) is void * in the source, struct task_struct ** in vmlinux"},
		"hidden by a typedef":         {proto(void, u64), proto(void, handle), "argument 1 (a) is u64 in the source, handle_t (struct task_struct *) in vmlinux"},
		"union for a struct":          {proto(void, to(some)), proto(void, to(task)), "argument 1 (a) is union some * in the source, struct task_struct * in vmlinux"},
		"declared union for a struct": {proto(void, to(fwdU)), proto(void, to(task)), "argument 1 (a) is union some * in the source, struct task_struct * in vmlinux"},
		"enum for a number":           {proto(void, enum), proto(void, integer), "argument 1 (a) is enum how in the source, int in vmlinux"},
		"too few":                     {proto(void, u64), proto(void, integer, to(task)), "it takes 1 argument (u64) in the source, 2 arguments (int, struct task_struct *) in vmlinux"},
		"none":                        {proto(void), proto(void, integer), "it takes 0 arguments (void) in the source, 1 argument (int) in vmlinux"},
		"result":                      {proto(to(task)), proto(integer), "it returns struct task_struct * in the source, int in vmlinux"},
		"no result":                   {proto(integer), proto(void), "it returns int in the source, void in vmlinux"},
		"callback":                    {proto(void, to(proto(integer, to(void)))), proto(void, to(proto(integer, long))), "argument 1 (a) is int (*)(void *) in the source, int (*)(unsigned long) in vmlinux"},
	} {
		s := &Symbol{Name: "bpf_foo", Type: tt.source, Func: true}
		err := compare(s, tt.kernel, vmlinux)
		want := "kernel function bpf_foo: " + tt.want + ": declare it as vmlinux.h does"
		if err == nil || err.Error() != want {
			t.Errorf("%s: got  %v\nwant %s", name, err, want)
		}
	}
}

func TestVariables(t *testing.T) {
	if err := compare(&Symbol{Name: "runqueues", Type: &btf.Const{Type: mine}}, task, vmlinux); err != nil {
		t.Error(err)
	}
	err := compare(&Symbol{Name: "runqueues", Type: u64}, task, vmlinux)
	want := "kernel variable runqueues: its type is u64 in the source, struct task_struct in vmlinux: declare it as vmlinux.h does"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// A file may be ELF without symbols, like a stripped vmlinux.
func TestStripped(t *testing.T) {
	file, err := os.ReadFile(testobj.Compile(t, "extern/kfunc_vmlinux", testobj.Options{Target: "bpfel"}))
	if err != nil {
		t.Fatal(err)
	}
	const shoff, shentsize, shnum, shType = 40, 58, 60, 4 // in a 64-bit ELF header and a section header
	stripped := 0
	for i := range int(binary.LittleEndian.Uint16(file[shnum:])) {
		at := int(binary.LittleEndian.Uint64(file[shoff:])) + i*int(binary.LittleEndian.Uint16(file[shentsize:])) + shType
		if binary.LittleEndian.Uint32(file[at:]) == uint32(elf.SHT_SYMTAB) {
			binary.LittleEndian.PutUint32(file[at:], uint32(elf.SHT_NULL))
			stripped++
		}
	}
	path := filepath.Join(t.TempDir(), "stripped")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	kernel, err := Files([]string{path})
	if err != nil || stripped == 0 {
		t.Fatalf("%d sections of symbols, %v", stripped, err)
	}
	results, err := kernel.Compare([]Symbol{{Name: "bpf_cast_to_kern_ctx", Type: proto(to(void), to(void)), Func: true}})
	if err != nil || results[0].Missing || results[0].Mismatch != nil {
		t.Errorf("got %+v, %v", results, err)
	}
}

// Joined errors are one line, and each can be found by errors.Is.
func TestJoin(t *testing.T) {
	if err := Join(nil); err != nil {
		t.Error(err)
	}
	err := Join([]error{os.ErrExist, os.ErrInvalid})
	if err.Error() != "file already exists; invalid argument" || !errors.Is(err, os.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}

// An endless chain of pointers to pointers, which only a damaged file has, does not loop forever.
func TestPrototypesWithoutEnd(t *testing.T) {
	p := &btf.Pointer{}
	p.Target = p
	if err := compare(&Symbol{Name: "bpf_foo", Type: proto(void, p), Func: true}, proto(void, p), vmlinux); err == nil {
		t.Error("the prototypes were called compatible")
	}
}

// A symbol is found by name and kind, without its flavor, and the first match counts.
func TestFiles(t *testing.T) {
	builder, err := btf.NewBuilder([]btf.Type{
		&btf.Struct{Name: "bpf_foo", Size: 4, Members: []btf.Member{{Name: "a", Type: integer}}},
		&btf.Func{Name: "bpf_foo", Type: proto(integer, to(task)), Linkage: btf.GlobalFunc},
		&btf.Func{Name: "bpf_foo", Type: proto(integer), Linkage: btf.GlobalFunc},
		&btf.Var{Name: "runqueues", Type: task, Linkage: btf.GlobalVar},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := builder.Marshal(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "btf")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	kernel, err := Files([]string{path})
	if err != nil {
		t.Fatal(err)
	}
	results, err := kernel.Compare([]Symbol{
		{Name: "bpf_foo", Type: proto(integer, to(task)), Func: true},
		{Name: "bpf_foo___v2", Type: proto(integer), Func: true, Weak: true},
		{Name: "bpf_bar", Type: proto(integer), Func: true},
		{Name: "runqueues", Type: proto(void), Func: true},
		{Name: "runqueues", Type: task},
		{Name: "runqueues___mine", Type: task},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []struct{ missing, mismatch bool }{{}, {mismatch: true}, {missing: true}, {missing: true}, {}, {missing: true}}
	for i, r := range results {
		if r.Missing != want[i].missing || (r.Mismatch != nil) != want[i].mismatch {
			t.Errorf("%s: %+v, want %+v", r.Symbol, r, want[i])
		}
	}
	if e := (*MismatchError)(nil); !errors.As(results[1].Mismatch, &e) || !e.Weak || e.Where != path {
		t.Errorf("got %+v", results[1].Mismatch)
	}
	if _, err := Files([]string{filepath.Join(t.TempDir(), "none")}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v for a file that is not there", err)
	}
}
