package load

import (
	"sync"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// kfuncAddresses is the result of kernelTakesKfuncAddresses. A sync.OnceValue, which is generic,
// would add 1 KB to each binary.
var kfuncAddresses struct {
	once  sync.Once
	taken bool
}

// kernelTakesKfuncAddresses reports whether the kernel accepts the BTF ID of a function in an
// ld_imm64, as Linux 6.4 and later do (58aa2afbb1e6, "bpf: Allow ld_imm64 instruction to point to
// kfunc").
func kernelTakesKfuncAddresses() bool {
	kfuncAddresses.once.Do(func() {
		release := sys.Release()
		kfuncAddresses.taken = release == "" || !sys.ParseVersion(release).Before(sys.Version{6, 4})
	})
	return kfuncAddresses.taken
}
