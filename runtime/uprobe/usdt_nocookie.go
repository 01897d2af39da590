package uprobe

import (
	"bufio"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	goruntime "runtime"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// Before Linux 5.15, attachments have no cookies. Programs instead look up the instruction pointer
// in a second map of usdt.bpf.h, to find the entry that describes the arguments. A library's code
// has a known address only in a given process.

const ipMap = "__bpf_usdt_ip_to_spec_id"

// usesCookies reports the value that LINUX_HAS_BPF_COOKIE of usdt.bpf.h had when the object was
// loaded. Objects without that variable are for kernels with cookies.
func usesCookies(s *runtime.Skeleton) (bool, error) {
	of := s.Spec()
	for i := range of.Maps {
		if of.Maps[i].Kind != spec.Kconfig {
			continue
		}
		value := make([]byte, of.Maps[i].ValueSize)
		vars, err := spec.ParseKconfig(of.Kconfig, len(value))
		if err != nil {
			return false, err
		}
		for j := range vars {
			if vars[j].Name != "LINUX_HAS_BPF_COOKIE" {
				continue
			}
			err := readFirst(s.Map(i), value)
			return vars[j].In(value)[0] != 0, err
		}
	}
	return true, nil
}

// readFirst reads the value of an array with one element. It asks the kernel, because the
// skeleton's memory for global data may be unmapped at any time.
func readFirst(m *runtime.Map, value []byte) error {
	fd, err := m.DupFD()
	if err != nil {
		return fmt.Errorf("map %s: %w", m.Name(), err)
	}
	defer unix.Close(fd)
	var key uint32
	attr := sys.MapElemAttr{MapFd: uint32(fd), Key: sys.Addr(unsafe.Pointer(&key)), Value: sys.Addr(unsafe.Pointer(&value[0]))}
	_, errno := sys.BPF(sys.CmdMapLookupElem, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	goruntime.KeepAlive(&key)
	goruntime.KeepAlive(value)
	if errno != 0 {
		return fmt.Errorf("read map %s: %w", m.Name(), errno)
	}
	return nil
}

// mapPlaces stores which entry belongs to each address. After a failure, a.ips has what it has
// stored.
func (a *usdtAttachment) mapPlaces(s *runtime.Skeleton, f *usdtFile) error {
	m := s.MapByName(ipMap)
	if m == nil || m.Spec().KeySize != 8 || m.Spec().ValueSize != 4 {
		return fmt.Errorf("the object has no map %s of usdt.bpf.h, which is needed on kernels without cookies (before 5.15): %w", ipMap, unix.ESRCH)
	}
	a.byIP = runtime.NewHashMap[uint64, uint32](m)
	for i := range a.places {
		ip, err := a.addressOf(f, &a.places[i])
		if err != nil {
			return err
		}
		err = a.byIP.Update(ip, uint32(a.cookies[i]), runtime.NoExist)
		if errors.Is(err, runtime.ErrKeyExist) {
			return fmt.Errorf("a program of the skeleton is already attached to the probe: before Linux 5.15 there can be only one: %w", unix.EBUSY)
		}
		if err != nil {
			return err
		}
		a.ips = append(a.ips, ip)
	}
	return nil
}

// addressOf returns the value of the instruction pointer at a place.
func (a *usdtAttachment) addressOf(f *usdtFile, p *USDTProbe) (uint64, error) {
	if f.typ == elf.ET_EXEC {
		return p.address, nil
	}
	if a.pid == 0 {
		return 0, fmt.Errorf("set PID: without cookies (before Linux 5.15), shared libraries and position-independent "+
			"executables are supported only in a given process: %w", errors.ErrUnsupported)
	}
	return mappedAddress(a.pid, f.file, p.Offset)
}

// mappedAddress returns the address at which a process has mapped the code at an offset of a file.
func mappedAddress(pid int, file *os.File, offset uint64) (uint64, error) {
	want, err := file.Stat()
	if err != nil {
		return 0, err
	}
	maps, err := os.Open(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return 0, err
	}
	defer maps.Close()
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		r, ok := parseMapping(lines.Text())
		if !ok || offset < r.offset || offset-r.offset >= r.end-r.begin {
			continue
		}
		if got, err := os.Stat(r.link(pid)); err == nil && os.SameFile(got, want) {
			return r.begin + offset - r.offset, nil
		}
	}
	if err := lines.Err(); err != nil {
		return 0, err
	}
	return 0, fmt.Errorf("process %d has not mapped the file: %w", pid, unix.ESRCH)
}
