package sys

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
)

// PossibleCPUs returns the number of CPUs that the machine may ever have online, which is the
// number of values in an entry of a per-CPU map. It is safe for concurrent use.
func PossibleCPUs() (int, error) {
	if n := possibleCPUs.Load(); n != 0 {
		return int(n), nil
	}
	const file = "/sys/devices/system/cpu/possible"
	list, err := ReadFile(file)
	if err != nil {
		return 0, fmt.Errorf("number of possible CPUs: %w", err)
	}
	last, err := lastCPU(strings.TrimSpace(string(list)))
	if err != nil {
		return 0, fmt.Errorf("number of possible CPUs: %s: %w", file, err)
	}
	possibleCPUs.Store(int32(last + 1))
	return last + 1, nil
}

// possibleCPUs is the number of CPUs once it is known. Errors are not kept: the process may have
// run out of file descriptors for a moment.
var possibleCPUs atomic.Int32

// lastCPU returns the highest number in a list such as "0-3,8".
func lastCPU(list string) (int, error) {
	begin := len(list)
	for begin > 0 && list[begin-1] != '-' && list[begin-1] != ',' {
		begin--
	}
	return strconv.Atoi(list[begin:])
}
