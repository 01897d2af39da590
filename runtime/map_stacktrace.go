package runtime

import (
	"errors"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// StackTraceMap is a map of type stack trace (BPF_MAP_TYPE_STACK_TRACE): the stacks that
// bpf_get_stackid has recorded, by the ID that it returned. It is safe for concurrent use.
type StackTraceMap struct{ ref }

// NewStackTraceMap returns m as a StackTraceMap; see [NewHashMap].
func NewStackTraceMap(m *Map) *StackTraceMap {
	m.fitsIndex()
	return (*StackTraceMap)(unsafe.Pointer(m))
}

func (s *StackTraceMap) m() *Map { return (*Map)(unsafe.Pointer(s)) }

// BuildID is a location in an executable or library: struct bpf_stack_build_id. Maps created with
// BPF_F_STACK_BUILD_ID contain these instead of addresses.
type BuildID struct {
	Status  uint32   // 1: Build is set, and Address is an offset; 2: Address is an address
	Build   [20]byte // build ID of the file
	Address uint64   // or the offset into the file, depending on Status
}

// Lookup returns the addresses of a stack, innermost first, or [ErrKeyNotExist].
func (s *StackTraceMap) Lookup(id uint32) ([]uint64, error) {
	if s.m().spec().Flags&sys.FlagStackBuildID != 0 {
		return nil, newMapError(s.Name(), opLookup, errBuildIDs)
	}
	words, err := s.words(id)
	if err != nil {
		return nil, err
	}
	for i, addr := range words {
		if addr == 0 {
			return words[:i], nil
		}
	}
	return words, nil
}

// LookupBuildIDs is Lookup for maps created with BPF_F_STACK_BUILD_ID.
func (s *StackTraceMap) LookupBuildIDs(id uint32) ([]BuildID, error) {
	if s.m().spec().Flags&sys.FlagStackBuildID == 0 {
		return nil, newMapError(s.Name(), opLookup, errAddresses)
	}
	words, err := s.words(id)
	if err != nil {
		return nil, err
	}
	var size BuildID
	ids := unsafe.Slice((*BuildID)(unsafe.Pointer(&words[0])), len(words)*8/int(unsafe.Sizeof(size)))
	for i := range ids {
		if ids[i].Status == 0 { // BPF_STACK_BUILD_ID_EMPTY
			return ids[:i], nil
		}
	}
	return ids, nil
}

var (
	errBuildIDs  = errors.New("the map has build IDs, not addresses: use LookupBuildIDs")
	errAddresses = errors.New("the map has addresses, not build IDs: use Lookup")
)

func (s *StackTraceMap) words(id uint32) ([]uint64, error) {
	n, err := s.m().valueWords()
	if err != nil {
		return nil, s.m().wrap(opLookup, err)
	}
	words := make([]uint64, n)
	key := new(uint32)
	*key = id
	errno, err := s.m().elem(opLookup, sys.CmdMapLookupElem, unsafe.Pointer(key), unsafe.Pointer(&words[0]))
	if err != nil {
		return nil, err
	}
	if errno != 0 {
		return nil, s.m().fail(opLookup, errno)
	}
	return words, nil
}

// Delete removes a stack, or fails with [ErrKeyNotExist].
func (s *StackTraceMap) Delete(id uint32) error { return s.m().at(opDelete, id).delete() }

// IDs returns the IDs of all stacks.
func (s *StackTraceMap) IDs() (ids []uint32, err error) {
	err = walkKeys(s.m(), func(id uint32) bool {
		ids = append(ids, id)
		return true
	})
	return ids, err
}
