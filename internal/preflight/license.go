package preflight

import (
	"slices"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// gplOnly are helpers for programs whose license is compatible with the GPL only (gpl_only of
// struct bpf_func_proto): those of tracing, by number, as far as objects use them.
var gplOnly = map[uint32]bool{
	4: true, 45: true, 112: true, 113: true, 114: true, 115: true, // bpf_probe_read and its kin
	6: true, 177: true, // bpf_trace_printk, bpf_trace_vprintk
	22: true, 25: true, 55: true, 56: true, // perf events
	27: true, 67: true, // bpf_get_stackid, bpf_get_stack
	35: true, 36: true, 58: true, // bpf_get_current_task, bpf_probe_write_user, bpf_override_return
	111: true, 121: true, 119: true, 126: true, 127: true, // bpf_skb_output, bpf_xdp_output, branch records, seq files
}

func (c *check) license() string {
	text, _, _ := strings.Cut(c.spec.Blob[c.spec.License:], "\x00")
	return text
}

// hasGPLLicense reports what license_is_gpl_compatible says.
func (c *check) hasGPLLicense() bool {
	return slices.Contains([]string{
		"GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL",
	}, c.license())
}

// isNewAtomic reports whether an instruction is an atomic operation other than the addition without
// a result.
func isNewAtomic(insn sys.Insn) bool {
	return sys.Class(insn.Code) == sys.STX && insn.Code&0xe0 == sys.ATOMIC && insn.Imm != sys.ADD
}
