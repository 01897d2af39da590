package runtime

import (
	"bufio"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// functionList lists functions to attach to, with their cookies if there are any.
type functionList struct {
	names   []string
	cookies []uint64
	matched []bool // found by a pattern
	modules []bool // found by a pattern, in a kernel module
}

// elsewhere returns a list to try on kernels that do not find all functions of this one: they do
// not look in modules (before 6.2, ftrace_lookup_symbols), or name system calls differently. It is
// empty if there is nothing else to try.
func (list *functionList) elsewhere() *functionList {
	other := new(functionList)
	changed := false
	for i, name := range list.names {
		if list.modules[i] {
			changed = true
			continue
		}
		if names := withSyscallWrapper(name); len(names) > 1 {
			name, changed = names[1], true
		}
		other.names = append(other.names, name)
		if list.cookies != nil {
			other.cookies = append(other.cookies, list.cookies[i])
		}
	}
	if !changed {
		return new(functionList)
	}
	return other
}

// expandFunctions replaces each pattern with the functions that match it. Duplicates are dropped.
func expandFunctions(symbols []string, cookies []uint64) (*functionList, error) {
	list := new(functionList)
	seen := map[string]bool{}
	add := func(i int, name string, matched, module bool) {
		if seen[name] {
			return
		}
		seen[name] = true
		list.names = append(list.names, name)
		list.matched, list.modules = append(list.matched, matched), append(list.modules, module)
		if cookies != nil {
			list.cookies = append(list.cookies, cookies[i])
		}
	}
	var all []string // lines of available_filter_functions
	for i, symbol := range symbols {
		if !strings.ContainsAny(symbol, "*?") {
			add(i, symbol, false, false)
			continue
		}
		if all == nil {
			var err error
			if all, err = tracedFunctions(); err != nil {
				return nil, err
			}
		}
		matched := false
		for _, line := range all {
			name, module, _ := strings.Cut(line, " ") // "name [module]"
			if ok, err := path.Match(symbol, name); err != nil {
				return nil, fmt.Errorf("pattern %q: %w", symbol, err)
			} else if ok {
				add(i, name, true, module != "")
				matched = true
			}
		}
		if !matched {
			return nil, fmt.Errorf("no function matches %q: %w", symbol, unix.ENOENT)
		}
	}
	return list, nil
}

// tracedFunctions returns the lines of available_filter_functions, without placeholders.
func tracedFunctions() ([]string, error) {
	f, err := openTraceFS("available_filter_functions")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var list []string
	err = eachLine(f, func(line string) {
		if !strings.HasPrefix(line, "__ftrace_invalid_address__") {
			list = append(list, line)
		}
	})
	return list, err
}

// missingFunctions returns the functions without a symbol in the kernel, or nil if that cannot be
// determined.
func missingFunctions(names []string) []string {
	missing := map[string]bool{}
	for _, name := range names {
		missing[name] = true
	}
	num, err := sys.Open("/proc/kallsyms")
	if err != nil {
		return nil
	}
	f := os.NewFile(uintptr(num), "/proc/kallsyms")
	defer f.Close()
	if err := eachLine(f, func(line string) {
		// "ffffffff81000000 T name [module]"
		if fields := strings.Fields(line); len(fields) > 2 {
			delete(missing, fields[2])
		}
	}); err != nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !missing[name] })
}

// eachLine calls do for each line of a file.
func eachLine(f *os.File, do func(line string)) error {
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		do(lines.Text())
	}
	return lines.Err()
}
