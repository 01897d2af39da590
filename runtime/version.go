package runtime

import (
	"sync"

	"golang.org/x/sys/unix"
)

// kernelTakesKfuncAddresses tells kernels where an ld_imm64 may have the BTF
// ID of a function: since Linux 6.4 (58aa2afbb1e6, "bpf: Allow ld_imm64 instruction to point to kfunc").
var kernelTakesKfuncAddresses = sync.OnceValue(func() bool {
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return true
	}
	return !parseVersion(unix.ByteSliceToString(uts.Release[:])).before(version{6, 4})
})
