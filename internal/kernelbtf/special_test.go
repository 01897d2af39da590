package kernelbtf

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
)

// blob builds BTF from types, in 32-bit words, and names.
func blob(names string, words ...uint32) []byte {
	var types bytes.Buffer
	for _, w := range words {
		types.Write(binary.NativeEndian.AppendUint32(nil, w))
	}
	raw := binary.NativeEndian.AppendUint16(nil, 0xeb9f)
	raw = append(raw, 1, 0)
	for _, n := range []int{24, 0, types.Len(), types.Len(), len(names)} {
		raw = binary.NativeEndian.AppendUint32(raw, uint32(n))
	}
	return append(append(raw, types.Bytes()...), names...)
}

func TestSpecialFields(t *testing.T) {
	const names = "\x00bpf_timer\x00value\x00kptr\x00int\x00" // 1, 11, 17, 22
	raw := blob(
		names,
		22, 1<<24, 4, 32, // 1: int
		1, 4<<24|1, 16, 0, 1, 0, // 2: struct bpf_timer { int; }
		0, 3<<24, 0, 2, 1, 2, // 3: struct bpf_timer[2]
		17, 18<<24, 1, // 4: tag kptr of int
		0, 2<<24, 4, // 5: int kptr *
		11, 4<<24|3, 48, 0, 1, 0, 0, 3, 64, 0, 5, 320, // 6: struct value { int; struct bpf_timer[2]; int kptr *; }
		0, 8<<24, 6, // 7: typedef
	)
	want := []SpecialField{{"bpf_timer", 8}, {"bpf_timer", 24}, {"kptr", 40}}
	if got, err := SpecialFields(raw, 7); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	for _, id := range []uint32{0, 1, 5000} {
		if got, err := SpecialFields(raw, id); err != nil || got != nil {
			t.Errorf("type %d: %v, %v", id, got, err)
		}
	}
	for n := range raw { // truncated BTF is an error or has fewer fields, and is never read out of bounds
		_, _ = SpecialFields(raw[:n], 7)
	}
}

// Arrays of arrays of a struct without members take no space, but could take as much time as they
// have elements.
func TestSpecialFieldsOfNothing(t *testing.T) {
	const names = "\x00int\x00nothing\x00" // 1, 5
	words := []uint32{
		1, 1 << 24, 4, 32, // 1: int
		5, 4 << 24, 0, // 2: struct nothing {}
	}
	for elem := uint32(2); elem < 16; elem++ { // 3 to 16: an array of 64
		words = append(words, 0, 3<<24, 0, elem, 1, 64)
	}
	if fields, err := SpecialFields(blob(names, words...), 16); err == nil {
		t.Errorf("%v of 64 to the power of 14 elements", fields)
	}
}
