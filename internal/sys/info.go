package sys

// ObjInfoAttr is the part of union bpf_attr for BPF_OBJ_GET_INFO_BY_FD.
type ObjInfoAttr struct {
	BpfFd   uint32
	InfoLen uint32
	Info    uint64
}

// BtfInfo is struct bpf_btf_info.
type BtfInfo struct {
	Btf       uint64
	BtfSize   uint32
	Id        uint32
	Name      uint64
	NameLen   uint32
	KernelBtf uint32
}
