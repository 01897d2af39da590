package main

import (
	"fmt"
	"io"
	"os"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// progress shows the current activity in one line of a terminal. It prints nothing elsewhere.
type progress struct {
	w     io.Writer // nil if stderr is not a terminal
	shown bool
}

func newProgress(w io.Writer) *progress {
	if f, ok := w.(*os.File); ok {
		if _, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS); err == nil {
			return &progress{w: f}
		}
	}
	return &progress{}
}

func (p *progress) say(format string, args ...any) {
	if p.w != nil {
		fmt.Fprint(p.w, "\r\x1b[K"+printable(fmt.Sprintf(format, args...))+"...")
		p.shown = true
	}
}

// done erases the line.
func (p *progress) done() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}
