package spec

import "github.com/bpf2lskel/bpf2lskel/internal/unix"

// Op is the operation of a load that failed.
type Op uint8

const (
	OpStep        Op = iota // a step of the loader: Failure.Step
	OpHoldFDs               // make sure that file descriptors 0 to 2 are in use
	OpMaskSignals           // block signals
	OpCreateBlob            // create the loader's map
	OpFillBlob              // and fill it: signed packages
	OpFreezeBlob            // and freeze it: signed packages
	OpHashBlob              // and have the kernel compute its hash: signed packages
	OpMapBlob               // map the loader's map
	OpPatch                 // write values that are known only now into the blob
	OpLoadLoader            // load the loader program
	OpRunLoader             // run it
	OpReadBlob              // read the results from the loader's map: signed packages
	OpMapData               // map the contents of a map: Failure.Map
	OpKeepBTF               // keep the BTF for inner maps
	OpVerify                // verify the signature
	OpReuse                 // use an existing map: Failure.Map
)

// A Failure describes a failed load: the operation, the kernel's error, and details that only the
// load knows.
type Failure struct {
	Spec *Spec
	Op   Op
	// Doing describes an operation that is not one of the object's steps: the look-up of a target
	// that was chosen at run time.
	Doing string
	// Step is the index in Spec.Steps of the step that failed for OpStep, and -1 for others.
	Step int
	// Map is the index of the map for OpMapData and OpReuse.
	Map   int
	Errno unix.Errno // 0 if the error is not from the kernel
	Err   error
	// MaxEntries is the max_entries of the map, for a step that creates one.
	MaxEntries uint32
	// Missing lists the weak kfuncs that the program refers to and this kernel lacks.
	Missing []string
	// Log is the verifier's log for programs and BTF, or "".
	Log string
	// Reason explains the kernel's error, and Hint says what to do about it. Both are "" until
	// package explain has set them.
	Reason, Hint string
	// Lost is set if changes that the caller had made before the load could not be restored for
	// lack of memory.
	Lost bool
}

// Operation describes the operation that failed: "create map counts".
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

// StepKind returns the kind of the step that failed, or 0 if it was not a step.
func (f *Failure) StepKind() StepKind {
	if f.Op != OpStep {
		return 0
	}
	return f.Spec.Steps[f.Step].Kind
}
