package load

import (
	"strings"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// logKept is how much of a verifier's log is kept: its end, which says why. A
// program of a million instructions has a log of 115 MB.
const logKept = 4 << 20

// logBuffer is where the kernel writes a log.
//
// Since Linux 6.4 (12166409bf0d, "bpf: Switch BPF verifier log to be a rotating log by default")
// the kernel itself keeps the end. Before, it keeps the beginning: there the buffer is the same
// memory many times over, so that what comes later overwrites what came earlier.
type logBuffer struct {
	p      unsafe.Pointer
	mapped uintptr // bytes
}

// logCopies is how often a kernel before 6.4 sees the memory: it takes 1 GiB at most
// (bpf_verifier_log_attr_valid).
const logCopies = 128

func newLogBuffer() (*logBuffer, error) {
	if v := sys.KernelVersion(); v.Before(sys.Version{6, 4}) {
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
	l := &logBuffer{mapped: logKept * logCopies}
	var err error
	if l.p, err = unix.MmapPtr(-1, 0, nil, l.mapped, unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE); err != nil {
		return nil, err
	}
	if _, err = unix.MmapPtr(-1, 0, l.p, logKept, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANONYMOUS|unix.MAP_FIXED); err != nil {
		l.close()
		return nil, err
	}
	for i := uintptr(1); i < logCopies; i++ {
		// With an old size of 0, mremap maps the same shared memory once more.
		errno := unix.MremapFixed(l.p, 0, logKept, unsafe.Add(l.p, i*logKept))
		if errno != 0 {
			l.close()
			return nil, errno
		}
	}
	return l, nil
}

func (l *logBuffer) addr() uint64 { return sys.Addr(l.p) }

// size leaves a byte: the kernel writes a zero behind what fits.
func (l *logBuffer) size() uint32 { return uint32(l.mapped) }

func (l *logBuffer) close() { _ = unix.MunmapPtr(l.p, l.mapped) }

// text returns the log, of which the beginning may be missing. Of the memory it touches what the
// kernel has written, and the last page: most logs are short, and 4 MiB of page faults take longer
// than a small program's verification.
func (l *logBuffer) text() string {
	kept := unsafe.String((*byte)(l.p), logKept)
	// What is after the end was written before it if the log went round. Else it is of an earlier
	// log: the verifier takes everything back once it accepts a program (bpf_vlog_reset).
	wentRound := l.mapped > logKept && kept[logKept-1] != 0
	end := strings.IndexByte(kept, 0)
	if end < 0 {
		end = logKept
	}
	if !wentRound && end < logKept-1 {
		return string([]byte(kept[:end]))
	}
	text := kept[:end]
	if wentRound {
		text = kept[min(end+1, logKept):] + text
	}
	return "(the beginning of the log is not kept)\n" + text[strings.IndexByte(text, '\n')+1:]
}
