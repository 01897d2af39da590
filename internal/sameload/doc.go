// Package sameload says whether two ways of loading a BPF object made the same maps and programs.
//
// [Describe] asks the kernel about maps and programs, given by file descriptor, and makes a [View]
// of them: all that the kernel tells, less what must differ between two loads (ids, addresses,
// times). [Reference] loads an object the way libbpf does, through bpftool, and describes that.
// [Diff] compares the two.
//
// The reference is libbpf's own loader program where that is possible, as its result is what this
// project replaces: `bpftool gen skeleton -L` makes a light skeleton, whose blob and instructions
// are read from the generated C header and run here, as the header would. So the reference needs no
// C compiler, its maps and programs are file descriptors of this process, and its loader's
// instructions can be counted ([LoaderInsns]). Where libbpf's loader cannot do an object (static
// slots of program arrays, more than 64 maps or 32 programs, local storage maps, which hang the
// kernel when their creation fails inside a loader), the reference is `bpftool prog loadall`, that
// is libbpf without its loader, in a mount namespace and a bpf file system of its own.
//
// # Tags
//
// The kernel's tag of a program is a hash over its instructions as they were passed, except that
// the file descriptors of maps are left out. A loader program passes a map's index in fd_array
// instead, which is not left out. So a program that refers to maps has one tag when it comes out of
// a loader and another without. A View records how its programs refer to maps ([Style]); tags of
// programs with maps are compared only where both sides did it the same way. Likewise for programs
// that call kernel functions of modules or use kernel variables: their instructions carry an index
// or a file descriptor of the module's BTF, which is nobody's business.
package sameload
