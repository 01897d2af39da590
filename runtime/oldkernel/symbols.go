package oldkernel

import (
	"bufio"
	"os"
	"strconv"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// FindSymbol implements load.Kernel. It reads /proc/kallsyms, in which addresses are zero for
// processes without the privilege to see them.
func (k *kernel) FindSymbol(name string) (address uint64, errno unix.Errno) {
	num, err := sys.Open("/proc/kallsyms")
	if err != nil {
		return 0, sys.ErrnoOf(err)
	}
	f := os.NewFile(uintptr(num), "/proc/kallsyms")
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		// "ffffffff81000000 T name", and "\t[module]"
		value, rest, _ := strings.Cut(lines.Text(), " ")
		_, rest, _ = strings.Cut(rest, " ")
		symbol, _, _ := strings.Cut(rest, "\t")
		if symbol != name {
			continue
		}
		if address, err := strconv.ParseUint(value, 16, 64); err == nil && address != 0 {
			return address, 0
		}
		return 0, unix.EPERM
	}
	if lines.Err() != nil {
		return 0, unix.EIO
	}
	return 0, unix.ENOENT
}
