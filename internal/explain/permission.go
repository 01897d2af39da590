package explain

import (
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// has reports whether the thread has a capability. CAP_SYS_ADMIN implies those that were added for
// BPF in 5.8.
func (f *failure) has(capability int) bool {
	return f.machine.caps&(1<<capability|1<<unix.CAP_SYS_ADMIN) != 0
}

// isNetwork reports whether the kernel also requires CAP_NET_ADMIN (map_create, the checks of map
// types, bpf_prog_load).
func (f *failure) isNetwork() bool {
	if m := f.newMap; m != nil {
		switch m.typ {
		case sys.MapTypeSockMap, sys.MapTypeSockHash, sys.MapTypeDevMap, sys.MapTypeDevMapHash, sys.MapTypeXSKMap:
			return true
		}
	}
	return f.program != nil && isNetAdmin(f.program.Type)
}

// lacks names the required capabilities that the thread lacks, or "" if they are not the cause.
func (f *failure) lacks() string {
	refused := f.Errno == unix.EPERM || f.Op == spec.OpLoadLoader && (f.Errno == unix.EACCES || f.Errno == unix.EINVAL)
	if !refused || f.machine.userNS {
		return ""
	}
	return f.capabilities(true)
}

// capabilities lists the capabilities that the kernel requires for the failed operation, or those
// that the thread lacks. A loader program always requires CAP_PERFMON as well: it stores addresses
// in its map (allow_ptr_leaks), and calls bpf_sys_bpf (syscall_prog_func_proto).
func (f *failure) capabilities(lacking bool) string {
	names := ""
	if !lacking || !f.has(unix.CAP_BPF) {
		names += " and CAP_BPF"
	}
	if !lacking || !f.has(unix.CAP_PERFMON) {
		names += " and CAP_PERFMON"
	}
	if f.isNetwork() && (!lacking || !f.has(unix.CAP_NET_ADMIN)) {
		names += " and CAP_NET_ADMIN"
	}
	return strings.TrimPrefix(names, " and ")
}

// isNetAdmin is the kernel's is_net_admin_prog_type (kernel/bpf/syscall.c).
func isNetAdmin(progType uint32) bool {
	switch progType {
	case sys.ProgTypeSchedCLS, sys.ProgTypeSchedACT, sys.ProgTypeXDP,
		sys.ProgTypeLWTIn, sys.ProgTypeLWTOut, sys.ProgTypeLWTXmit, sys.ProgTypeLWTSeg6Local,
		sys.ProgTypeSKSKB, sys.ProgTypeSKMsg, sys.ProgTypeFlowDissector,
		sys.ProgTypeCgroupDevice, sys.ProgTypeCgroupSock, sys.ProgTypeCgroupSockAddr,
		sys.ProgTypeCgroupSockopt, sys.ProgTypeCgroupSysctl, sys.ProgTypeCgroupSKB,
		sys.ProgTypeSockOps, sys.ProgTypeExt, sys.ProgTypeNetfilter:
		return true
	}
	return false
}

// lockedDown reports whether lockdown disables a helper: LOCKDOWN_BPF_WRITE_USER belongs to
// integrity, LOCKDOWN_BPF_READ_KERNEL to confidentiality (bpf_base_func_proto,
// bpf_tracing_func_proto).
func lockedDown(level, helper string) bool {
	switch helper {
	case "bpf_probe_write_user":
		return level == "integrity" || level == "confidentiality"
	case "bpf_probe_read", "bpf_probe_read_str", "bpf_probe_read_kernel", "bpf_probe_read_kernel_str", "bpf_snprintf_btf":
		return level == "confidentiality"
	}
	return false
}
