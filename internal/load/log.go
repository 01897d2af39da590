package load

import (
	"strings"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// logKept is how many bytes of a verifier's log are kept: its end, which has the reason. The log of
// a program with a million instructions is 115 MB long.
const logKept = 4 << 20

// logBuffer is the buffer to which the kernel writes a log.
//
// Since Linux 6.4 (12166409bf0d, "bpf: Switch BPF verifier log to be a rotating log by default")
// the kernel itself keeps the end of the log. Earlier kernels keep the beginning: for them the
// buffer is the same memory mapped many times in a row, so that the log's end overwrites its
// beginning.
type logBuffer struct {
	p      unsafe.Pointer
	mapped uintptr // in bytes
}

// logCopies is how many times the memory is mapped for kernels before 6.4, which accept at most 1
// GiB (bpf_verifier_log_attr_valid).
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

// size returns the buffer's size for the kernel, which includes a zero byte after the log.
func (l *logBuffer) size() uint32 { return uint32(l.mapped) }

func (l *logBuffer) close() { _ = unix.MunmapPtr(l.p, l.mapped) }

// text returns the log, whose beginning may be missing. It touches only the memory that the kernel
// has written, and the last page: most logs are short, and the page faults of 4 MiB take longer
// than the verification of a small program.
func (l *logBuffer) text() string {
	kept := unsafe.String((*byte)(l.p), logKept)
	// If the log wrapped around, the text after its end is its older part. Otherwise that text
	// belongs to an earlier log: the verifier discards its log when it accepts a program
	// (bpf_vlog_reset).
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
