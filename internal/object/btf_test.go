package object

import (
	"bytes"
	"errors"
	"io/fs"
	"testing"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"

	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
)

func TestTheKernelTakesTheBTF(t *testing.T) {
	for _, name := range append(testobj.All(t), testobj.Externs(t)...) {
		t.Run(name, func(t *testing.T) {
			obj := read(t, name, testobj.Options{})
			h, err := btf.NewHandleFromRawBTF(obj.BTF)
			if errors.Is(err, fs.ErrPermission) {
				t.Skip("loading BTF is not permitted")
			}
			if err != nil {
				t.Fatalf("%+v", err)
			}
			h.Close()
		})
	}
}

// A ring buffer of 1 GiB is an array of as many ints in BTF, which is 4 GiB to the kernel.
func TestTheKernelTakesLargeNumbersInMapDefinitions(t *testing.T) {
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

func TestTypeIDsAndStringOffsetsAreThoseOfTheFile(t *testing.T) {
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
				t.Errorf("%s, %s: strings have moved", name, target)
			}
			for id := btf.TypeID(1); before.has(id); id++ {
				if before.kind(id) != kindDatasec && before.kind(id) != after.kind(id) {
					t.Errorf("%s, %s: type %d was of kind %d and is of kind %d", name, target, id, before.kind(id), after.kind(id))
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

func TestTypesThatAreNestedTooDeepAreRefused(t *testing.T) {
	chain := func(n int) []byte {
		b := &rawBTF{order: le, strs: "\x00", offs: []int{-1}}
		for i := range n {
			b.add("t", kindTypedef, uint32(i+2)%uint32(n+1)) // the last is void
		}
		return b.marshal()
	}
	if _, err := parseBTF(chain(maxTypeDepth), le); err != nil {
		t.Errorf("%d types: %v", maxTypeDepth, err)
	}
	if _, err := parseBTF(chain(maxTypeDepth+2), le); err == nil {
		t.Error("not refused")
	}
}

func TestNamesThatManyTypesShareAreBounded(t *testing.T) {
	b := &rawBTF{order: le, strs: "\x00", offs: []int{-1}}
	for i := range 2000 {
		id := b.add("", kindTypedef, 0)
		if i == 0 {
			b.strs += string(bytes.Repeat([]byte("x"), maxName-1)) + "\x00"
		}
		b.setField(id, 0, 2)
	}
	if _, err := parseBTF(b.marshal(), le); err == nil {
		t.Error("not refused")
	}
}
