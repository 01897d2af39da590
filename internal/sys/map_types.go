package sys

// enum bpf_map_type, include/uapi/linux/bpf.h.
const (
	MapTypeHash = iota + 1
	MapTypeArray
	MapTypeProgArray
	MapTypePerfEventArray
	MapTypePerCPUHash
	MapTypePerCPUArray
	MapTypeStackTrace
	MapTypeCgroupArray
	MapTypeLRUHash
	MapTypeLRUPerCPUHash
	MapTypeLPMTrie
	MapTypeArrayOfMaps
	MapTypeHashOfMaps
	MapTypeDevMap
	MapTypeSockMap
	MapTypeCPUMap
	MapTypeXSKMap
	MapTypeSockHash
	MapTypeCgroupStorage
	MapTypeReuseportSockArray
	MapTypePerCPUCgroupStorage
	MapTypeQueue
	MapTypeStack
	MapTypeSKStorage
	MapTypeDevMapHash
	MapTypeStructOps
	MapTypeRingBuf
	MapTypeInodeStorage
	MapTypeTaskStorage
	MapTypeBloomFilter // 5.16
	MapTypeUserRingBuf // 6.1
	MapTypeCgrpStorage // 6.2
	MapTypeArena       // 6.9
	MapTypeInsnArray   // 6.19
	MapTypeRHash       // by 7.2
)
