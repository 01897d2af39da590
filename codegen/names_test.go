package codegen

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf/btf"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
)

func TestGoName(t *testing.T) {
	for c, want := range map[string]string{
		"count_packets": "CountPackets",
		"tcp6_sk":       "Tcp6Sk",
		"ETH_P_IP":      "ETH_P_IP",
		"__pad":         "Pad",
		"a__b":          "A__b",
		"type":          "Type",
		"x":             "X",
		"_":             "X",
		"_1":            "X1",
		"größe":         "Größe",
		"数":             "X数",
		"f.name":        "Fname",
		"":              "X",
	} {
		if got := goName(c); got != want {
			t.Errorf("%q is %s, want %s", c, got, want)
		}
	}
}

func TestSectionName(t *testing.T) {
	for section, want := range map[string]string{
		".data": "Data", ".data.foo": "DataFoo", ".rodata": "Rodata", ".bss.xy_z": "BssXyZ", ".kconfig": "Kconfig",
	} {
		if got := sectionName(section); got != want {
			t.Errorf("%s is %s, want %s", section, got, want)
		}
	}
}

func TestScope(t *testing.T) {
	s := newScope("Load")
	var got []string
	for range 3 {
		got = append(got, s.take("Load", "LoadStruct"))
	}
	got = append(got, s.takePair("X", "Set"), s.take("SetX"), s.takePair("X", "Set"))
	if want := []string{"LoadStruct", "Load2", "Load3", "X", "SetX2", "X3"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// handMade is an object with one variable, whose type no kernel accepts in BTF.
func handMade(t *testing.T, typ btf.Type) []byte {
	t.Helper()
	size, err := btf.Sizeof(typ)
	if err != nil {
		t.Fatal(err)
	}
	obj := &object.Object{Name: "made", ByteOrder: binary.LittleEndian, Maps: []*object.Map{{
		Name: ".bss", Kind: object.BSS, ValueSize: uint32(size), Vars: []object.Var{{Name: "v", Size: uint32(size), Type: typ}},
	}}}
	spec := &spec.Spec{Maps: []spec.MapSpec{{Name: ".bss"}}}
	files, err := Generate(obj, spec, Options{Package: "skel", Stem: "made", Suffix: "bpfel", GOARCH: archesOf["bpfel"]})
	if err != nil {
		t.Fatal(err)
	}
	if err := typeCheck(t, files[0].Data); err != nil {
		t.Error(err)
	}
	return files[0].Data
}

// TestOddTypes checks that odd BTF is not refused, and gives code that compiles.
func TestOddTypes(t *testing.T) {
	long := strings.Repeat("very_long_", 100)
	u8 := &btf.Int{Name: "unsigned char", Size: 1}
	u32 := &btf.Int{Name: "unsigned int", Size: 4}
	member := func(name string, typ btf.Type, offset int) btf.Member {
		return btf.Member{Name: name, Type: typ, Offset: btf.Bits(offset * 8)}
	}
	for name, test := range map[string]struct {
		typ  btf.Type
		want string // in the code
	}{
		"unicode": {&btf.Struct{Name: "größe", Size: 8, Members: []btf.Member{member("größe", u32, 0), member("数", u32, 4)}}, "X数"},
		"long":    {&btf.Struct{Name: long, Size: 1, Members: []btf.Member{member(long, u8, 0)}}, "VeryLongVeryLong"},
		"overlapping": {
			&btf.Struct{Name: "s", Size: 4, Members: []btf.Member{member("a", u32, 0), member("b", u8, 0)}},
			"func (t *S) B() *uint8",
		},
		"half float":   {&btf.Struct{Name: "s", Size: 2, Members: []btf.Member{member("a", &btf.Float{Name: "_Float16", Size: 2}, 0)}}, "A [2]byte // _Float16"},
		"odd integer":  {&btf.Struct{Name: "s", Size: 3, Members: []btf.Member{member("a", &btf.Int{Name: "int24", Size: 3}, 0)}}, "A [3]byte"},
		"empty":        {&btf.Struct{Name: "s", Size: 1, Members: nil}, "type S struct"},
		"only padding": {&btf.Struct{Name: "bpf_timer", Size: 16}, "_ [16]byte"},
		"empty union":  {&btf.Struct{Name: "s", Size: 4, Members: []btf.Member{member("", &btf.Union{}, 0), member("a", u32, 0)}}, "A uint32"},
		"enum without values": {
			&btf.Struct{Name: "s", Size: 4, Members: []btf.Member{member("e", &btf.Enum{Name: "e", Size: 4}, 0)}}, "type E uint32",
		},
		"type tag": {&btf.Struct{Name: "s", Size: 8, Members: []btf.Member{member("p", &btf.Pointer{Target: &btf.TypeTag{Type: u32, Value: "user"}}, 0)}}, "P uint64"},
	} {
		t.Run(name, func(t *testing.T) {
			source := handMade(t, test.typ)
			// Gofmt aligns fields and comments.
			if got := strings.Join(strings.Fields(string(source)), " "); !strings.Contains(got, test.want) {
				t.Errorf("no %q in\n%s", test.want, source)
			}
		})
	}
}

// TestRepeatedType checks that a type that BTF contains twice, as linkers leave it, is declared
// once.
func TestRepeatedType(t *testing.T) {
	pair := func() btf.Type {
		return &btf.Struct{Name: "pair", Size: 1, Members: []btf.Member{{Name: "a", Type: &btf.Int{Size: 1}}}}
	}
	source := handMade(t, &btf.Struct{Name: "s", Size: 2, Members: []btf.Member{{Name: "x", Type: pair()}, {Name: "y", Type: pair(), Offset: 8}}})
	if n := strings.Count(string(source), "type Pair"); n != 1 {
		t.Errorf("struct pair is declared %d times", n)
	}
}

// TestTypesThatMultiply generates types that are small in BTF but would take forever if each was
// visited wherever it is used.
func TestTypesThatMultiply(t *testing.T) {
	const levels = 60
	twice := func(name, of string, a, b btf.Type) *btf.Struct {
		return &btf.Struct{Name: name, Size: 1, Members: []btf.Member{{Name: of, Type: a}, {Name: of, Type: b}}}
	}
	var anonymous, repeated1, repeated2 btf.Type = &btf.Struct{}, &btf.Int{Size: 1}, &btf.Int{Size: 1}
	for range levels {
		anonymous = twice("", "", anonymous, anonymous)
		repeated1, repeated2 = twice("s", "m", repeated1, repeated1), twice("s", "m", repeated2, repeated2)
	}
	proto := &btf.FuncProto{Return: &btf.Void{}}
	function := &btf.Pointer{Target: proto}
	for range levels {
		proto.Params = append(proto.Params, btf.FuncParam{Type: function})
	}
	for name, typ := range map[string]btf.Type{
		"anonymous members":  twice("all", "", anonymous, anonymous),
		"repeated types":     twice("all", "m", repeated1, repeated2),
		"function of itself": &btf.Struct{Name: "all", Size: 8, Members: []btf.Member{{Name: "f", Type: function}}},
	} {
		start := time.Now()
		handMade(t, typ)
		if d := time.Since(start); d > 10*time.Second {
			t.Errorf("%s: took %v", name, d)
		}
	}
}
