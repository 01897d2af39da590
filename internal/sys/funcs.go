package sys

// The values of enum bpf_func_id that loaders and tests use.
const (
	FuncGetCurrentPidTgid  = 14
	FuncSysBPF             = 166 // 5.14
	FuncGetAttachCookie    = 174 // 5.15
	FuncBtfFindByNameKind  = 167 // 5.14
	FuncSysClose           = 168 // 5.14
	FuncKallsymsLookupName = 179 // 5.16
)
