package spec

import "github.com/bpf2lskel/bpf2lskel/internal/unix"

// Op is what a load was doing when it failed.
type Op uint8

const (
	OpStep        Op = iota // a step of the loader: Failure.Step
	OpHoldFDs               // make sure that file descriptors 0 to 2 are taken
	OpMaskSignals           // keep signals away
	OpCreateBlob            // create the loader's map
	OpFillBlob              // and fill it: signed packages
	OpFreezeBlob            // and freeze it: signed packages
	OpHashBlob              // and have the kernel compute its hash: signed packages
	OpMapBlob               // map the loader's map
	OpPatch                 // write into the blob what is known only now
	OpLoadLoader            // load the loader program
	OpRunLoader             // run it
	OpReadBlob              // read what it has left in the loader's map: signed packages
	OpMapData               // map the contents of a map: Failure.Map
	OpKeepBTF               // keep the BTF for inner maps
	OpVerify                // verify the signature
	OpReuse                 // use a map that exists already: Failure.Map
)

// A Failure is a load that has failed: at what, with what answer of the kernel,
// and all that only the load itself knows about it.
type Failure struct {
	Spec *Spec
	Op   Op
	// Doing describes what is none of the object's steps: the look-up of what was chosen at run
	// time.
	Doing string
	// Step is the index in Spec.Steps of what failed for OpStep, -1 for others.
	Step int
	// Map is the index of the map for OpMapData and OpReuse.
	Map   int
	Errno unix.Errno // 0 if it was not the kernel that refused
	Err   error
	// MaxEntries is the number of entries that the map was to be created with, for a step that
	// creates one.
	MaxEntries uint32
	// Missing are the weak kfuncs that the program refers to and this kernel does not have.
	Missing []string
	// Log is what the verifier said, for programs and BTF; "" if it said nothing.
	Log string
	// Reason is what the answer means, and Hint what to do about it; "" as long as nobody has found
	// out.
	Reason, Hint string
	// Lost is set if what the caller had changed before the load could not be restored: there is no
	// memory for it.
	Lost bool
}

// Operation describes what the load was doing: "create map counts".
func (f *Failure) Operation() string {
	if f.Doing != "" {
		return f.Doing
	}
	switch f.Op {
	case OpStep:
		return f.Spec.StepName(f.Spec.Steps[f.Step])
	case OpMapData, OpReuse:
		return operations[f.Op] + f.Spec.Maps[f.Map].Name
	}
	return operations[f.Op]
}

var operations = [...]string{
	OpHoldFDs:     "open /dev/null for file descriptors 0 to 2",
	OpMaskSignals: "mask signals",
	OpCreateBlob:  "create the loader's map",
	OpFillBlob:    "fill the loader's map",
	OpFreezeBlob:  "freeze the loader's map",
	OpHashBlob:    "hash the loader's map",
	OpMapBlob:     "map the loader's map",
	OpPatch:       "prepare the load",
	OpLoadLoader:  "load the loader program",
	OpRunLoader:   "run the loader program",
	OpReadBlob:    "read the loader's map",
	OpMapData:     "map the contents of ",
	OpKeepBTF:     "keep the object's BTF for inner maps",
	OpVerify:      "verify the signature",
	OpReuse:       "reuse map ",
}

// StepKind returns the kind of the step that failed, 0 if it was not a step.
func (f *Failure) StepKind() StepKind {
	if f.Op != OpStep {
		return 0
	}
	return f.Spec.Steps[f.Step].Kind
}
