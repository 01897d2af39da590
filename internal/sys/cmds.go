package sys

// Cmd is a command of the bpf system call, enum bpf_cmd of include/uapi/linux/bpf.h.
type Cmd uint32

// The commands.
const (
	CmdMapCreate Cmd = iota
	CmdMapLookupElem
	CmdMapUpdateElem
	CmdMapDeleteElem
	CmdMapGetNextKey
	CmdProgLoad
	CmdObjPin
	CmdObjGet
	CmdProgAttach
	CmdProgDetach
	CmdProgRun // also called BPF_PROG_TEST_RUN
	CmdProgGetNextID
	CmdMapGetNextID
	CmdProgGetFdByID
	CmdMapGetFdByID
	CmdObjGetInfoByFd
	CmdProgQuery
	CmdRawTracepointOpen
	CmdBtfLoad
	CmdBtfGetFdByID
	CmdTaskFdQuery
	CmdMapLookupAndDeleteElem
	CmdMapFreeze
	CmdBtfGetNextID
	CmdMapLookupBatch
	CmdMapLookupAndDeleteBatch
	CmdMapUpdateBatch
	CmdMapDeleteBatch
	CmdLinkCreate
	CmdLinkUpdate
	CmdLinkGetFdByID
	CmdLinkGetNextID
	CmdEnableStats
	CmdIterCreate
	CmdLinkDetach
	CmdProgBindMap
	CmdTokenCreate        // 6.9
	CmdProgStreamReadByFd // 6.17
	CmdProgAssocStructOps // 7.0
)
