package uprobe

import (
	"bufio"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// findMapped is find for a process: a library without a directory is the one that the process has
// mapped. If pid is 0, it is find.
func findMapped(pid int, name string) (string, error) {
	if pid == 0 || strings.Contains(name, "/") || !strings.Contains(name, ".so") {
		return find(name)
	}
	mapped, err := mappedFiles(pid)
	if err != nil {
		return "", err
	}
	for _, m := range mapped {
		if filepath.Base(m.name) == name {
			return m.open, nil
		}
	}
	for _, m := range mapped {
		if isLibrary(m.open, name) {
			return m.open, nil
		}
	}
	// The process may map it later.
	path, err := find(name)
	if err != nil {
		return "", fmt.Errorf("not mapped by process %d, and %w", pid, err)
	}
	return path, nil
}

// mapped is a file whose code a process has mapped.
type mapped struct {
	name string // in the process's mount namespace
	open string // path to open it from this process
}

func mappedFiles(pid int) ([]mapped, error) {
	file, err := os.Open(fmt.Sprintf("/proc/%d/maps", pid))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no process %d: %w", pid, err)
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var list []mapped
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		r, ok := parseMapping(lines.Text())
		if !ok || slices.ContainsFunc(list, func(other mapped) bool { return other.name == r.name }) {
			continue
		}
		m := mapped{name: r.name, open: fmt.Sprintf("/proc/%d/root%s", pid, r.name)}
		if name, ok := strings.CutSuffix(r.name, deleted); ok {
			m = mapped{name: name, open: r.link(pid)} // its name no longer refers to it
		}
		list = append(list, m)
	}
	return list, lines.Err()
}

// deleted is what the kernel appends to the name of a file that has been removed.
const deleted = " (deleted)"

// codeRange is a range of memory into which a process has mapped code of a file.
type codeRange struct {
	begin, end uint64 // addresses
	offset     uint64 // in the file
	name       string // of the file, in the process's mount namespace
}

// link returns a path that leads to the range's file, whatever its name.
func (r *codeRange) link(pid int) string {
	return fmt.Sprintf("/proc/%d/map_files/%x-%x", pid, r.begin, r.end)
}

// parseMapping parses a line of /proc/PID/maps, such as
//
//	7f1c0a000000-7f1c0a1b2000 r-xp 00026000 08:01 1234	  /usr/lib/x86_64-linux-gnu/libc.so.6
//
// It reports whether the range is code of a file.
func parseMapping(line string) (r codeRange, ok bool) {
	fields := strings.SplitN(line, " ", 6)
	if len(fields) < 6 || len(fields[1]) < 3 || fields[1][2] != 'x' {
		return r, false
	}
	r.name = strings.TrimLeft(fields[5], " ")
	begin, end, _ := strings.Cut(fields[0], "-")
	var errs [3]error
	r.begin, errs[0] = strconv.ParseUint(begin, 16, 64)
	r.end, errs[1] = strconv.ParseUint(end, 16, 64)
	r.offset, errs[2] = strconv.ParseUint(fields[2], 16, 64)
	return r, errors.Join(errs[:]...) == nil && r.begin < r.end && strings.HasPrefix(r.name, "/")
}

// isLibrary reports whether name is the file's own name for itself (DT_SONAME), as libc.so.6 is for
// libc-2.31.so.
func isLibrary(file, name string) bool {
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
		return false
	}
	f, err := elf.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	names, err := f.DynString(elf.DT_SONAME)
	return err == nil && slices.Contains(names, name)
}
