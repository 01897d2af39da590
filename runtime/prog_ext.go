package runtime

import (
	"fmt"

	"github.com/bpf2lskel/bpf2lskel/internal/load"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// ExtProgram is a program of type EXT, which takes the place of a function of another program:
// section freplace. It is loaded for the first of these functions, which SetAttachTargetProgram
// names before the load.
type ExtProgram struct{ *Program }

// NewExtProgram gives p its kind.
func NewExtProgram(p *Program) ExtProgram { return ExtProgram{p} }

// ExtOptions say more about an attachment of an ExtProgram. There are none yet: pass nil.
type ExtOptions struct{}

// Attach puts the program into the place of the function that it was loaded for.
func (p ExtProgram) Attach(_ *ExtOptions) (*Link, error) {
	return rawTracepointOpen(p.Program, "attach to "+p.targetName(), "", 0)
}

// AttachFreplace puts the program into the place of another function, of the same or of another
// program, that has the prototype of the one that it was loaded for (5.10). The kernel compares the
// two programs' types. If function is "", it is the one that the section of p, or
// SetAttachTargetProgram, names, or where they name none, the function with which the other program
// begins. A function that another program has replaced already is unix.EBUSY.
func (p ExtProgram) AttachFreplace(target AnyProgram, function string, _ *ExtOptions) (*Link, error) {
	other := programOf(target)
	if function == "" {
		function = sectionFunction(p.Program)
	}
	what := "replace function " + function
	if other.exists() {
		what = fmt.Sprintf("replace function %s of program %s", function, other.spec.Name)
	}
	num, err := other.acquire("use as a target")
	if err != nil {
		return nil, p.fail(what, err)
	}
	defer other.fd.release()
	id, err := load.FunctionOf(num, function)
	if err != nil {
		return nil, p.fail(what, err)
	}
	return linkCreate(p.Program, what, num, 0, 0, tailOf(&sys.LinkTracingTail{TargetBtfId: id}))
}
