package spec

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// described returns a Spec with a struct_ops of 24 bytes.
func described(list ...StructOps) *Spec {
	blob := make([]byte, 512)
	return &Spec{
		Blob:      string(AppendStructOps(blob, binary.NativeEndian, list)),
		StructOps: BlobOff(len(blob)),
		Maps:      []MapSpec{{Name: ".bss"}, {Name: "ops", Attr: 8, AttrSize: structOpsMapAttr, ValueSize: 24}},
		Programs:  []ProgramSpec{{Name: "init", Type: sys.ProgTypeStructOps, Attr: 128}},
	}
}

func someOperations() StructOps {
	return StructOps{
		Map: 1, Type: "tcp_congestion_ops", Section: ".struct_ops.link", AutoCreate: true, Data: 256,
		Members: []StructOpsMember{
			{Name: "init", Size: 8, Kind: sys.BtfKindPtr},
			{Name: "flags", Offset: 8, Size: 4, Kind: sys.BtfKindInt, Program: -1},
			{Name: "name", Offset: 12, Size: 12, Kind: sys.BtfKindArray, Bits: true, Program: -1},
		},
	}
}

// A description is read back as it was written.
func TestStructOpsAreRead(t *testing.T) {
	want := []StructOps{someOperations(), {Type: "x", Data: 8, Members: []StructOpsMember{}}}
	want[1].Map = 1
	got, err := ReadStructOps(described(want...))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got, err := ReadStructOps(&Spec{}); got != nil || err != nil {
		t.Errorf("of none: %v, %v", got, err)
	}
}

// A damaged description is an error, wherever it ends and whatever is wrong with it.
func TestStructOpsDamaged(t *testing.T) {
	whole := described(someOperations())
	for end := int(whole.StructOps); end < len(whole.Blob); end++ {
		s := *whole
		s.Blob = s.Blob[:end]
		if _, err := ReadStructOps(&s); !errors.As(err, new(DamagedError)) {
			t.Errorf("%d bytes: %v", end-int(whole.StructOps), err)
		}
	}
	for _, tt := range []struct {
		says   string
		damage func(*StructOps)
	}{
		{"an index is out of range", func(o *StructOps) { o.Map = 2 }},
		{"an index is out of range", func(o *StructOps) { o.Map = -1 }},
		{"its attr is not in the blob", func(o *StructOps) { o.Map = 0 }},
		{"its data is not in the blob", func(o *StructOps) { o.Data = 1 << 30 }},
		{"its data is not in the blob", func(o *StructOps) { o.Data = 3 }},
		{"a member is not in its value", func(o *StructOps) { o.Members[1].Offset = 21 }},
		{"a member is not in its value", func(o *StructOps) { o.Members[1].Size = 1<<32 - 1 }},
		{"a pointer has not 8 bytes", func(o *StructOps) { o.Members[0].Size = 4 }},
		{"an index is out of range", func(o *StructOps) { o.Members[0].Program = 1 }},
	} {
		o := someOperations()
		o.Members = slices.Clone(o.Members)
		tt.damage(&o)
		if _, err := ReadStructOps(described(o)); !errors.As(err, new(DamagedError)) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%v, want %q", err, tt.says)
		}
	}
	s := described(someOperations())
	s.Programs[0].Attr = 1 << 20
	if _, err := ReadStructOps(s); !errors.As(err, new(DamagedError)) {
		t.Errorf("a program's attr: %v", err)
	}
}
