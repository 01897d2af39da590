package preflight

import (
	"slices"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// reg encodes dst_reg in the machine's byte order.
func reg(dst uint8) uint8 {
	if bigEndian {
		return dst << 4
	}
	return dst
}

func TestReachable(t *testing.T) {
	exit := sys.Insn{Code: sys.OpExit}
	bad := sys.Insn{Code: sys.OpCall, Imm: 7}
	for name, tt := range map[string]struct {
		insns []sys.Insn
		want  []bool
	}{
		"a constant decides":       {[]sys.Insn{{Code: sys.OpMovImm, Regs: reg(1)}, {Code: sys.OpJeqImm, Regs: reg(1), Off: 1}, bad, exit}, []bool{true, true, false, true}},
		"the other way":            {[]sys.Insn{{Code: sys.OpMovImm, Regs: reg(1), Imm: 1}, {Code: sys.OpJeqImm, Regs: reg(1), Off: 1}, bad, exit}, []bool{true, true, true, true}},
		"what is unknown does not": {[]sys.Insn{{Code: sys.OpJeqImm, Regs: reg(1), Off: 1}, bad, exit}, []bool{true, true, true}},
		"a call forgets": {
			[]sys.Insn{{Code: sys.OpMovImm, Regs: reg(1)}, {Code: sys.OpCall, Imm: 5}, {Code: sys.OpJeqImm, Regs: reg(1), Off: 1}, bad, exit},
			[]bool{true, true, true, true, true},
		},
		"two ways meet": {[]sys.Insn{
			{Code: sys.OpMovImm, Regs: reg(2)},
			{Code: sys.OpJeqImm, Regs: reg(1), Off: 1},
			{Code: sys.OpMovImm, Regs: reg(2), Imm: 1},
			{Code: sys.OpJeqImm, Regs: reg(2), Off: 1},
			bad, exit,
		}, []bool{true, true, true, true, true, true}},
		"half a number": {
			[]sys.Insn{{Code: sys.OpLdImm64, Regs: reg(1), Imm: 0}, {}, {Code: sys.OpJneImm, Regs: reg(1), Off: 1}, exit, bad},
			[]bool{true, false, true, true, false},
		},
	} {
		if got := reachable(tt.insns, func(int32) string { return "" }); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}
