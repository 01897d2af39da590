package sys

// ObjAttr is the part of union bpf_attr for BPF_OBJ_PIN and BPF_OBJ_GET.
type ObjAttr struct {
	Pathname  uint64
	BpfFd     uint32
	FileFlags uint32
}

// GetFdByIdAttr is the part for BPF_*_GET_FD_BY_ID.
type GetFdByIdAttr struct {
	Id        uint32
	NextId    uint32
	OpenFlags uint32
}
