package load

import (
	"strings"
	"testing"
	"unsafe"
)

// write writes text at an offset of a log, followed by a zero byte, as the kernel does.
func (l *logBuffer) write(at int, text string) {
	copy(unsafe.Slice((*byte)(l.p), l.mapped)[at:], text+"\x00")
}

// If the kernel keeps the beginning of a log, the buffer keeps the end.
func TestLogRing(t *testing.T) {
	l, err := newLogRing()
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	l.write(0, "short\n")
	if got := l.text(); got != "short\n" {
		t.Errorf("got %q", got)
	}
	const line = "0123456789abcde\n"
	at := 0
	for at < 3*logKept+100 {
		l.write(at, line)
		at += len(line)
	}
	l.write(at, "the end\n")
	got := l.text()
	first, rest, _ := strings.Cut(got, "\n")
	if first != "(the beginning of the log is not kept)" || !strings.HasPrefix(rest, line) || !strings.HasSuffix(rest, line+"the end\n") {
		t.Errorf("begins %.80q, ends %q", got, got[len(got)-40:])
	}
	if len(got) < logKept-100 || len(got) > logKept+100 {
		t.Errorf("%d bytes", len(got))
	}
}
