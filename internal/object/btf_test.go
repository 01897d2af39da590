package object

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
)

// The kernel accepts the BTF of all objects except for those that are marked as odd.
func TestKernelAcceptsBTF(t *testing.T) {
	for _, name := range append(testobj.All(t), testobj.Externs(t)...) {
		t.Run(name, func(t *testing.T) {
			obj := read(t, name, testobj.Options{})
			h, err := btf.NewHandleFromRawBTF(obj.BTF)
			if errors.Is(err, fs.ErrPermission) {
				t.Skip("loading BTF is not permitted")
			}
			if obj.OddBTF {
				if !errors.Is(err, unix.EINVAL) {
					t.Errorf("load odd BTF: %v, want EINVAL", err)
				}
				return
			}
			if err != nil {
				t.Fatalf("%+v", err)
			}
			h.Close()
		})
	}
}

// In BTF, a ring buffer of 1 GiB is an array of so many ints, which is 4 GiB for the kernel.
func TestKernelAcceptsLargeMapDefinitions(t *testing.T) {
	const old, large = 3 * 4096, 1 << 30
	p := patch(t, "map_ringbuf_round")
	types := p.contents(".BTF")
	at := bytes.Index(types, le.AppendUint32(nil, old))
	if at < 0 {
		t.Fatalf("no number %d", old)
	}
	le.PutUint32(types[at:], large)
	obj, err := Parse("large", p.data)
	if err != nil {
		t.Fatal(err)
	}
	if n := findMap(t, obj, "odd").MaxEntries; n != large {
		t.Errorf("max_entries is %d", n)
	}
	h, err := btf.NewHandleFromRawBTF(obj.BTF)
	if errors.Is(err, fs.ErrPermission) {
		t.Skip("loading BTF is not permitted")
	}
	if err != nil {
		t.Fatalf("%+v", err)
	}
	h.Close()
}

func TestTypeIDsAndStringOffsetsAreKept(t *testing.T) {
	for _, name := range []string{"btf_kinds", "btf_datasec", "extern/mixed", "globals_empty"} {
		for _, target := range []string{"bpfel", "bpfeb"} {
			data := testobj.Read(t, name, testobj.Options{Target: target})
			f, err := readELF(data)
			if err != nil {
				t.Fatal(err)
			}
			before, err := parseBTF(f.sectionByName(".BTF").data, f.order)
			if err != nil {
				t.Fatal(err)
			}
			obj, err := Parse(name, data)
			if err != nil {
				t.Fatal(err)
			}
			after, err := parseBTF(obj.BTF, obj.ByteOrder)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix([]byte(after.strs), []byte(before.strs)) {
				t.Errorf("%s, %s: string offsets have changed", name, target)
			}
			for id := btf.TypeID(1); before.has(id); id++ {
				if before.kind(id) != kindDatasec && before.kind(id) != after.kind(id) {
					t.Errorf("%s, %s: the kind of type %d changed from %d to %d", name, target, id, before.kind(id), after.kind(id))
				}
				typ, err := obj.Types.TypeByID(id)
				if err != nil {
					t.Fatal(err)
				}
				if got, err := obj.Types.TypeID(typ); err != nil || got != id {
					t.Errorf("%s, %s: type %d is decoded as %d, %v", name, target, id, got, err)
				}
			}
		}
	}
}

func TestHiddenFunctionsBecomeStatic(t *testing.T) {
	obj := read(t, "btf_linkage", testobj.Options{})
	got := make(map[string]btf.FuncLinkage)
	for typ, err := range obj.Types.All() {
		if fn, ok := typ.(*btf.Func); err == nil && ok {
			got[fn.Name] = fn.Linkage
		}
	}
	want := map[string]btf.FuncLinkage{
		"call": btf.GlobalFunc, "global_square": btf.GlobalFunc,
		"hidden_read": btf.StaticFunc, "weak_hidden": btf.StaticFunc,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLongTypeChainsAreRefused(t *testing.T) {
	// Each type has a member of the next type; the last is void.
	chain := func(n, kind int) []byte {
		b := &rawBTF{order: le, strs: "\x00", offs: []int{-1}}
		for i := range n {
			b.add("t", kind, uint32(i+2)%uint32(n+1))
		}
		return b.marshal()
	}
	for _, tt := range []struct{ kind, most int }{{kindPtr, maxTypeDepth}, {kindTypedef, maxNesting}} {
		if _, err := parseBTF(chain(tt.most, tt.kind), le); err != nil {
			t.Errorf("%d types: %v", tt.most, err)
		}
		if _, err := parseBTF(chain(tt.most+2, tt.kind), le); err == nil {
			t.Errorf("%d types: no error", tt.most+2)
		}
	}
}

// Nesting is counted for any order of the types, but not across pointers.
func TestRecursiveTypesAreRefused(t *testing.T) {
	structOf := func(b *rawBTF, member uint32) {
		b.setField(b.add("s", kindStruct, 8, 0, member, 0), 4, kindStruct<<24|1)
	}
	for _, tt := range []struct {
		claim string
		add   func(*rawBTF)
		want  string
	}{
		{"a typedef of itself", func(b *rawBTF) { b.add("t", kindTypedef, 1) }, "type 1: contains itself"},
		{"two typedefs", func(b *rawBTF) { b.add("t", kindTypedef, 2); b.add("u", kindTypedef, 1) }, "type 2: contains itself"},
		{"a struct in itself", func(b *rawBTF) { structOf(b, 1) }, "type 1: contains itself"},
		{"an array of structs in a struct", func(b *rawBTF) { structOf(b, 2); b.add("", kindArray, 0, 1, 3, 7); b.add("int", kindInt, 4, 32) }, "type 2: contains itself"},
		{"a struct in two members", func(b *rawBTF) {
			b.setField(b.add("s", kindStruct, 8, 0, 2, 0, 0, 2, 32), 4, kindStruct<<24|2)
			b.add("int", kindInt, 4, 32)
		}, ""},
		{"a list", func(b *rawBTF) { structOf(b, 2); b.add("", kindPtr, 1) }, ""},
		{"a chain from its end", func(b *rawBTF) {
			b.add("int", kindInt, 4, 32)
			for i := range maxNesting {
				b.add("t", kindTypedef, uint32(i+1))
			}
		}, fmt.Sprintf("type %d: nested too deeply", maxNesting+1)},
	} {
		b := &rawBTF{order: le, strs: "\x00", offs: []int{-1}}
		tt.add(b)
		_, err := parseBTF(b.marshal(), le)
		if got := fmt.Sprint(err); got != tt.want && (tt.want != "" || err != nil) {
			t.Errorf("%s: %v, want %q", tt.claim, err, tt.want)
		}
	}
}

func TestUnprintableNamesAreRefused(t *testing.T) {
	for name, want := range map[string]bool{
		"unsigned int": true, "größe": true, "a\nb": false, "\x1b[2J": false, "\xff": false, "a\u202eb": false,
	} {
		for kind, free := range map[int]bool{kindTypedef: false, kindTypeTag: true} {
			b := &rawBTF{order: le, strs: "\x00", offs: []int{-1}}
			b.add(name, kind, 0)
			if _, err := parseBTF(b.marshal(), le); (err == nil) != (want || free) {
				t.Errorf("%q of kind %d: %v", name, kind, err)
			}
		}
	}
}

// A file may have as many data sections as types, each with something to remove.
func TestManyDataSectionsAreFast(t *testing.T) {
	b := &rawBTF{order: le, strs: "\x00", offs: []int{-1}}
	none := b.add("none", kindVar, 0, linkageStatic)
	some := b.add("some", kindVar, 0, linkageStatic)
	for range 100_000 {
		datasec := b.add("", kindDatasec, 8, uint32(none), 0, 0, uint32(some), 0, 8, uint32(none), 8, 0)
		b.setField(datasec, 4, kindDatasec<<24|3)
		b.strs = b.strs[:len(b.strs)-1]
	}
	b.strs += "\x00"
	start := time.Now()
	if err := fixDatasecs(b, &elfFile{order: le, sections: make([]section, 1)}); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("took %v", d)
	}
	last := btf.TypeID(len(b.offs) - 1)
	if got := b.secinfos(last); len(got) != 1 || got[0].typ != some {
		t.Errorf("remaining: %v", got)
	}
}

func TestSharedNamesAreBounded(t *testing.T) {
	b := &rawBTF{order: le, strs: "\x00", offs: []int{-1}}
	for i := range 2000 {
		id := b.add("", kindTypedef, 0)
		if i == 0 {
			b.strs += string(bytes.Repeat([]byte("x"), maxName-1)) + "\x00"
		}
		b.setField(id, 0, 2)
	}
	if _, err := parseBTF(b.marshal(), le); err == nil {
		t.Error("no error")
	}
}
