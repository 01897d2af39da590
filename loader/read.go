package loader

import (
	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	_ "github.com/bpf2lskel/bpf2lskel/internal/sys/gunzip" // for runtime.Load of what Read returns
)

// ReadFile reads an object file, as clang -target bpf writes it, and makes what
// Open and Load of package runtime take: for objects that are known only at run time.
// Generated packages need neither the file nor this package, and check types
// when they are compiled. An error names the file, and what in it is refused.
// It is safe for concurrent use.
func ReadFile(path string, opts Options) (*spec.Spec, error) {
	obj, err := object.Read(path)
	if err != nil {
		return nil, err
	}
	return Generate(obj, opts)
}

// Read is [ReadFile] of a file that is in memory. The name is the object's, in errors
// and in the names of its data maps: a file's name without directory and extension.
func Read(name string, file []byte, opts Options) (*spec.Spec, error) {
	obj, err := object.Parse(name, file)
	if err != nil {
		return nil, err
	}
	return Generate(obj, opts)
}
