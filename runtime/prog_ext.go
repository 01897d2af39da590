package runtime

import (
	"fmt"

	"github.com/bpf2lskel/bpf2lskel/internal/load"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// ExtProgram is a program of type EXT, which replaces a function of another program: section
// freplace. It is loaded for the first function that it replaces, which SetAttachTargetProgram sets
// before the load.
type ExtProgram struct{ *Program }

// NewExtProgram returns p as an ExtProgram.
func NewExtProgram(p *Program) ExtProgram { return ExtProgram{p} }

// ExtOptions are options for attaching an ExtProgram. There are none yet: pass nil.
type ExtOptions struct{}

// Attach replaces the function that the program was loaded for.
func (p ExtProgram) Attach(_ *ExtOptions) (*Link, error) {
	return rawTracepointOpen(p.Program, "attach to "+p.targetName(), "", 0)
}

// AttachFreplace replaces a different function, of the same or another program, with the same
// prototype as the one that p was loaded for (5.10). The kernel compares the BTF types. If function
// is "", it is the one that the section of p or SetAttachTargetProgram names or, if they name none,
// the other program's entry function. If the function has already been replaced, the error is
// unix.EBUSY.
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
