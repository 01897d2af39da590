package runtime

// enum bpf_map_type, include/uapi/linux/bpf.h. golang.org/x/sys/unix has the older half.
const (
	mapTypeHash = iota + 1
	mapTypeArray
	mapTypeProgArray
	mapTypePerfEventArray
	mapTypePerCPUHash
	mapTypePerCPUArray
	mapTypeStackTrace
	mapTypeCgroupArray
	mapTypeLRUHash
	mapTypeLRUPerCPUHash
	mapTypeLPMTrie
	mapTypeArrayOfMaps
	mapTypeHashOfMaps
	mapTypeDevMap
	mapTypeSockMap
	mapTypeCPUMap
	mapTypeXSKMap
	mapTypeSockHash
	mapTypeCgroupStorage
	mapTypeReuseportSockArray
	mapTypePerCPUCgroupStorage
	mapTypeQueue
	mapTypeStack
	mapTypeSKStorage
	mapTypeDevMapHash
	mapTypeStructOps
	mapTypeRingBuf
	mapTypeInodeStorage
	mapTypeTaskStorage
	mapTypeBloomFilter
	mapTypeUserRingBuf
	mapTypeCgrpStorage
	mapTypeArena
	mapTypeInsnArray
	mapTypeRHash
)
