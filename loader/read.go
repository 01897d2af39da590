package loader

import (
	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	_ "github.com/bpf2lskel/bpf2lskel/internal/sys/gunzip" // for runtime.Load of the result of Read
)

// ReadFile reads an object file, as written by clang -target bpf, for Open and Load of package
// runtime. It is meant for objects that are known only at run time. Generated packages need neither
// the file nor this package, and their types are checked at compile time. Errors name the file and
// the place in it. ReadFile is safe for concurrent use.
func ReadFile(path string, opts Options) (*spec.Spec, error) {
	obj, err := object.Read(path)
	if err != nil {
		return nil, err
	}
	return Generate(obj, opts)
}

// Read is like [ReadFile] for a file in memory. The name is the object's name in errors and in the
// names of its data maps: the file's base name without extension.
func Read(name string, file []byte, opts Options) (*spec.Spec, error) {
	obj, err := object.Parse(name, file)
	if err != nil {
		return nil, err
	}
	return Generate(obj, opts)
}
