package main

import (
	"fmt"
	"io"
	"os"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// progress is one line on a terminal that says what takes so long, and
// nothing anywhere else.
type progress struct {
	w     io.Writer // nil if it is not a terminal
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

// done takes the line away.
func (p *progress) done() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}
