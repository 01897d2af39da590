package load

import (
	"bytes"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// logKept is how much of a verifier's log is kept: its end, which says why. A
// program of a million instructions has a log of 115 MB.
const logKept = 4 << 20

// logBuffer is where the kernel writes a log.
//
// Since Linux 6.4 (12166409bf0d, "bpf: Switch BPF verifier log to be a rotating log by default") the
// kernel itself keeps the end. Before, it keeps the beginning: there the buffer is the same memory many
// times over, so that what comes later overwrites what came earlier.
type logBuffer struct {
	p      unsafe.Pointer
	mapped uintptr // bytes
}

// logCopies is how often a kernel before 6.4 sees the memory: it takes 1 GiB at most (bpf_verifier_log_attr_valid).
const logCopies = 128

func newLogBuffer() (*logBuffer, error) {
	if v := sys.ParseVersion(sys.Release()); v.Before(sys.Version{6, 4}) {
		return newLogRing()
	}
	p, err := unix.MmapPtr(-1, 0, nil, logKept, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err != nil {
		return nil, err
	}
	return &logBuffer{p, logKept}, nil
}

func newLogRing() (*logBuffer, error) {
	fd, err := unix.MemfdCreate("log", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	if err := unix.Ftruncate(fd, logKept); err != nil {
		return nil, err
	}
	l := &logBuffer{mapped: logKept * logCopies}
	if l.p, err = unix.MmapPtr(-1, 0, nil, l.mapped, unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE); err != nil {
		return nil, err
	}
	for i := range uintptr(logCopies) {
		if _, err := unix.MmapPtr(fd, 0, unsafe.Add(l.p, i*logKept), logKept, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_FIXED); err != nil {
			l.close()
			return nil, err
		}
	}
	return l, nil
}

func (l *logBuffer) addr() uint64 { return uint64(uintptr(l.p)) }

// size leaves a byte: the kernel writes a zero behind what fits.
func (l *logBuffer) size() uint32 { return uint32(l.mapped) }

func (l *logBuffer) close() { _ = unix.MunmapPtr(l.p, l.mapped) }

// text returns the log, of which the beginning may be missing.
func (l *logBuffer) text() string {
	kept := unsafe.Slice((*byte)(l.p), logKept)
	end := bytes.IndexByte(kept, 0)
	if end < 0 {
		end = logKept
	}
	later := bytes.TrimLeft(kept[min(end+1, logKept):], "\x00") // before the end, if the log went round
	const cut = "(the beginning of the log is not kept)\n"
	if len(later) > 0 {
		_, whole, _ := bytes.Cut(later, []byte("\n"))
		return cut + string(whole) + string(kept[:end])
	}
	if end >= logKept-1 {
		_, whole, _ := bytes.Cut(kept[:end], []byte("\n"))
		return cut + string(whole)
	}
	return string(kept[:end])
}
