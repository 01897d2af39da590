package load

import (
	"sync"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// kfuncAddresses is what kernelTakesKfuncAddresses has found out. A sync.OnceValue, being generic,
// would be 1 KB more in each binary.
var kfuncAddresses struct {
	once  sync.Once
	taken bool
}

// kernelTakesKfuncAddresses reports whether an ld_imm64 may have the BTF ID of a function: since
// Linux 6.4 (58aa2afbb1e6, "bpf: Allow ld_imm64 instruction to point to kfunc").
func kernelTakesKfuncAddresses() bool {
	kfuncAddresses.once.Do(func() {
		release := sys.Release()
		kfuncAddresses.taken = release == "" || !sys.ParseVersion(release).Before(sys.Version{6, 4})
	})
	return kfuncAddresses.taken
}
