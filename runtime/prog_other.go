package runtime

import (
	"github.com/bpf2lskel/bpf2lskel/internal/explain"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// LWTProgram is a program for lightweight tunnel routes, of type LWT_IN, LWT_OUT, LWT_XMIT or
// LWT_SEG6LOCAL. Attach it with `ip route ... encap bpf`, by its pin.
type LWTProgram struct{ *Program }

// NewLWTProgram returns p as an LWTProgram.
func NewLWTProgram(p *Program) LWTProgram { return LWTProgram{p} }

// Test runs the program on one packet. The program does not see the Ethernet header.
func (p LWTProgram) Test(t SKBTest) (SKBResult, error) { return testRun[uint32](p.Program, t) }

// Pin gives the program a name in a BPF file system, so that it outlives the process. The name must
// not exist.
func (p *Program) Pin(path string) error {
	num, err := p.acquire("pin")
	if err != nil {
		return err
	}
	defer p.fd.release()
	if errno := sys.ObjPin(num, path); errno != 0 {
		return p.fail("pin to "+path, withHint(errno, explain.PinHint(errno)))
	}
	return nil
}
