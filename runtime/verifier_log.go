package runtime

import (
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// Sizes of the buffer for a verifier's log. Up to 6.3 the kernel takes less than 16 MiB for
// BTF (btf_parse), and all that can load a loader take 1 GiB for programs
// (bpf_verifier_log_attr_valid). Pages of the buffer that nothing is written to cost nothing,
// and each try is a whole load, so the first is the largest that always works.
const (
	firstLog = 16<<20 - 4096
	lastLog  = 256<<20 - 4096
)

// loaderLog is the logStep of the loader program itself.
const loaderLog = -2

// fetchLog fetches the verifier's log of what failed: the load is run again
// with a buffer for that log, a larger one if it does not fit. It returns true if the
// load succeeds this time.
func (l *loading) fetchLog(e *LoadError) (loaded bool) {
	sizes := []int{firstLog, lastLog}
	switch {
	case e.Errno == unix.EMFILE:
		return false // the verifier was content: the file comes after it
	case e.Op == opLoadLoader:
		l.logStep = loaderLog
	case e.Step < 0:
		return false
	case l.spec.Steps[e.Step].Kind == StepLoadBTF:
		l.logStep, sizes = e.Step, sizes[:1]
	case l.spec.Steps[e.Step].Kind == StepLoadProgram:
		l.logStep = e.Step
	default:
		return false
	}
	defer func() { l.logStep, l.log = -1, nil }()
	for _, size := range sizes {
		again, log, err := l.attemptWithLog(size)
		if err != nil {
			return false // no memory: what there is has to do
		}
		if again == nil {
			return true
		}
		if again.Step != e.Step || again.Op != e.Op {
			return false // something else went wrong this time, and the log is not of the failure
		}
		e.Log = log
		if again.Errno != unix.ENOSPC {
			return false
		}
		// It did not fit. Since 6.4 the log's end is there, before that its beginning.
		e.Log += "\n(the log is not whole)\n"
	}
	return false
}

// attemptWithLog runs the loader once more, with a log.
func (l *loading) attemptWithLog(size int) (failure *LoadError, log string, err error) {
	p, err := unix.MmapPtr(-1, 0, nil, uintptr(size), unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = unix.MunmapPtr(p, uintptr(size)) }()
	l.log = unsafe.Slice((*byte)(p), size)
	for range maxAttempts {
		failure = l.attempt()
		if failure == nil || failure.Errno != unix.EAGAIN && failure.Errno != unix.EINTR {
			break
		}
	}
	return failure, unix.ByteSliceToString(l.log), nil
}

// patchLog tells the step whose log is wanted where to put it. The kernel takes
// the buffer for an address of user space even inside a loader.
func (l *loading) patchLog() {
	if l.logStep < 0 {
		return
	}
	step := &l.spec.Steps[l.logStep]
	buf, size := bufAddr(l.log), uint32(len(l.log))
	switch step.Kind {
	case StepLoadProgram:
		attr := (*sys.ProgLoadAttr)(l.at(step.Attr))
		attr.LogLevel, attr.LogSize, attr.LogBuf = 1, size, buf
	case StepLoadBTF:
		attr := (*sys.BtfLoadAttr)(l.at(step.Attr))
		attr.BtfLogLevel, attr.BtfLogSize, attr.BtfLogBuf = 1, size, buf
	}
}

// decisive gives the lines of a log that say why, as one line: the last that
// are not about the verifier's way there, and the line of the source that they are about.
func decisive(log string) string {
	lines := strings.Split(strings.TrimSpace(log), "\n")
	for len(lines) > 0 && isStatistics(lines[len(lines)-1]) {
		lines = lines[:len(lines)-1]
	}
	if len(lines) == 0 {
		return ""
	}
	last := len(lines) - 1
	said := strings.TrimSpace(lines[last])
	if last > 0 && !isTrace(lines[last-1]) && !isTrace(said) {
		said = strings.TrimSpace(lines[last-1]) + "; " + said
	}
	for i := last; i >= 0; i-- {
		if source, ok := strings.CutPrefix(lines[i], "; "); ok {
			return said + ", at: " + strings.TrimSpace(source)
		}
	}
	return said
}

// isStatistics tells the lines that follow what matters.
func isStatistics(line string) bool {
	for _, prefix := range []string{"processed ", "verification time ", "stack depth ", "(the log is not whole)"} {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return strings.TrimSpace(line) == ""
}

// isTrace tells the lines in which the verifier, or the reader of BTF, shows its way: "5: (61) r0 = ...",
// "; return *v;", "from 3 to 5: ...", "func#0 @0", "[3] INT int".
func isTrace(line string) bool {
	number, _, ok := strings.Cut(strings.TrimLeft(line, " \t"), ":")
	if ok && number != "" && strings.Trim(number, "0123456789") == "" {
		return true
	}
	for _, prefix := range []string{
		";", "from ", "func#", "mark_precise", "Validating ", "Func#", "caller", "arg#", "last_idx", "regs=", "parent ",
		"[", "\t", "str_", "type_", "hdr_len", "magic", "version", "flags", "btf_total_size", "relo #", "prog '", "propagating ",
	} {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	// R1_w=ctx() R10=fp0
	reg, _, ok := strings.Cut(line, "=")
	return ok && len(reg) < 8 && strings.HasPrefix(reg, "R")
}
