package load

import (
	"sync"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// kernelTakesKfuncAddresses reports whether an ld_imm64 may have the BTF
// ID of a function: since Linux 6.4 (58aa2afbb1e6, "bpf: Allow ld_imm64 instruction to point to kfunc").
var kernelTakesKfuncAddresses = sync.OnceValue(func() bool {
	release := sys.Release()
	return release == "" || !sys.ParseVersion(release).Before(sys.Version{6, 4})
})
