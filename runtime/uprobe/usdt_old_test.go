//vmtest:5.10

//go:build amd64 || arm64 || s390x

package uprobe_test

import (
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/usdt"
	"github.com/bpf2lskel/bpf2lskel/runtime"
	_ "github.com/bpf2lskel/bpf2lskel/runtime/oldkernel"
)

// USDT arguments work on a kernel without loader programs, perf event links and cookies.
func TestOldUSDT(t *testing.T) {
	guest.Only(t)
	withoutCookies(t, func(s *usdt.Skeleton) runtime.USDTProgram {
		if s.Kconfig.LINUX_HAS_BPF_COOKIE {
			t.Error("this kernel has cookies")
		}
		return s.Progs.OnProbe
	})
}
