package codegen

import (
	"fmt"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// lacksSize reports whether the source does not set the size of the map's keys or values. Such a
// map is a *runtime.Map, whose sizes can be set before the load.
func lacksSize(m *object.Map) bool {
	switch m.Type {
	case sys.MapTypeRingBuf, sys.MapTypeUserRingBuf, sys.MapTypeArena:
		return false
	case sys.MapTypeQueue, sys.MapTypeStack, sys.MapTypeBloomFilter:
		return m.ValueSize == 0
	}
	return m.KeySize == 0 || m.ValueSize == 0
}

// checkSizes returns an error if no kernel creates the map, because its type does not support the
// size of its keys or values (map_alloc_check of each type refuses it, since 5.14 or earlier).
// Sizes of maps with a Go type cannot be changed before the load.
func checkSizes(m *object.Map) error {
	const (
		lpmPrefix = 4 // sizeof(struct bpf_lpm_trie_key)
		lpmData   = 256
		storage   = 16 // sizeof(struct bpf_cgroup_storage_key)
	)
	wrong := func(what string, size uint32, want string) error {
		return fmt.Errorf("%ss have %d bytes: maps of type %s require %[1]ss of %[4]s", what, size, sys.MapTypeName(m.Type), want)
	}
	key, value := m.KeySize, m.ValueSize
	switch m.Type {
	case sys.MapTypeQueue, sys.MapTypeStack, sys.MapTypeBloomFilter:
		if key != 0 {
			return fmt.Errorf("keys have %d bytes: maps of type %s have no keys", key, sys.MapTypeName(m.Type))
		}
	case sys.MapTypeLPMTrie:
		if key <= lpmPrefix || key > lpmPrefix+lpmData {
			return wrong("key", key, fmt.Sprintf("%d to %d: struct bpf_lpm_trie_key and 1 to %d bytes of data", lpmPrefix+1, lpmPrefix+lpmData, lpmData))
		}
	case sys.MapTypeCgroupStorage, sys.MapTypePerCPUCgroupStorage:
		if key != 8 && key != storage {
			return wrong("key", key, "8 (__u64) or 16 (struct bpf_cgroup_storage_key)")
		}
	case sys.MapTypeArray, sys.MapTypePerCPUArray, sys.MapTypeProgArray, sys.MapTypePerfEventArray, sys.MapTypeCgroupArray,
		sys.MapTypeArrayOfMaps, sys.MapTypeXSKMap, sys.MapTypeDevMap, sys.MapTypeDevMapHash, sys.MapTypeCPUMap, sys.MapTypeSockMap,
		sys.MapTypeReuseportSockArray, sys.MapTypeStackTrace,
		sys.MapTypeSKStorage, sys.MapTypeInodeStorage, sys.MapTypeTaskStorage, sys.MapTypeCgrpStorage:
		if key != 4 {
			return wrong("key", key, "4")
		}
	}
	switch m.Type {
	case sys.MapTypeProgArray, sys.MapTypePerfEventArray, sys.MapTypeCgroupArray, sys.MapTypeArrayOfMaps, sys.MapTypeHashOfMaps,
		sys.MapTypeXSKMap:
		if value != 4 {
			return wrong("value", value, "4")
		}
	case sys.MapTypeDevMap, sys.MapTypeDevMapHash, sys.MapTypeCPUMap, sys.MapTypeSockMap, sys.MapTypeSockHash,
		sys.MapTypeReuseportSockArray:
		if value != 4 && value != 8 {
			return wrong("value", value, "4 or 8")
		}
	case sys.MapTypeStackTrace:
		if value%8 != 0 {
			return wrong("value", value, "a multiple of 8, for the frames")
		}
	}
	return nil
}
