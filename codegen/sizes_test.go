//vmtest:all

package codegen

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

func TestSizeErrors(t *testing.T) {
	for _, tt := range []struct {
		typ, key, value uint32
		want            string
	}{
		{sys.MapTypeArray, 8, 4, "keys have 8 bytes: maps of type array require keys of 4"},
		{sys.MapTypeProgArray, 4, 8, "values have 8 bytes: maps of type prog_array require values of 4"},
		{sys.MapTypeSockHash, 12, 16, "values have 16 bytes: maps of type sockhash require values of 4 or 8"},
		{sys.MapTypeQueue, 4, 8, "keys have 4 bytes: maps of type queue have no keys"},
		{sys.MapTypeStackTrace, 4, 12, "values have 12 bytes: maps of type stack_trace require values of a multiple of 8, for the frames"},
		{
			sys.MapTypeLPMTrie, 4, 8,
			"keys have 4 bytes: maps of type lpm_trie require keys of 5 to 260: struct bpf_lpm_trie_key and 1 to 256 bytes of data",
		},
		{sys.MapTypeHash, 3, 5, ""},
		{sys.MapTypeLPMTrie, 8, 1, ""},
	} {
		got := ""
		if err := checkSizes(&object.Map{Type: tt.typ, KeySize: tt.key, ValueSize: tt.value}); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("\n got %s\nwant %s", got, tt.want)
		}
	}
}

// For map types that require only sizes, the generator refuses exactly the sizes that this kernel
// refuses.
func TestSkeletonMapSizesAgreeWithKernel(t *testing.T) {
	sizes := []uint32{1, 2, 3, 4, 5, 7, 8, 12, 16, 24, 260, 261, 264, 512}
	for typ := range mapForms {
		pairs, accepted, refused := 0, 0, 0
		for _, key := range append(sizes, 0) {
			for _, value := range sizes {
				m := &object.Map{Type: typ, KeySize: key, ValueSize: value}
				if lacksSize(m) {
					continue
				}
				pairs++
				attr := sys.MapCreateAttr{MapType: typ, KeySize: key, ValueSize: value, MaxEntries: 1}
				if typ == sys.MapTypeLPMTrie {
					attr.MapFlags = sys.FlagNoPrealloc
				}
				fd, errno := sys.BPF(sys.CmdMapCreate, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
				if errno == 0 {
					accepted++
					unix.Close(fd)
				}
				why := checkSizes(m)
				if why != nil {
					refused++
				}
				if why != nil && errno != unix.EINVAL && errno != unix.E2BIG {
					t.Errorf("%s with keys of %d bytes and values of %d: the kernel says %v, the generator %v", sys.MapTypeName(typ), key, value, errno, why)
				}
			}
		}
		if accepted > 0 && accepted+refused != pairs {
			t.Errorf("%s: of %d pairs of sizes the kernel accepts %d, and %d are refused here", sys.MapTypeName(typ), pairs, accepted, refused)
		}
		t.Logf("%s: %d pairs of sizes accepted by the kernel, %d refused here", sys.MapTypeName(typ), accepted, refused)
	}
}
