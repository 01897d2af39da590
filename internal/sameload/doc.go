// Package sameload compares two loads of a BPF object: whether they created the same maps and
// programs.
//
// [Describe] asks the kernel about maps and programs, given by file descriptor, and returns a
// [View]: everything that the kernel reports, except for what must differ between two loads (IDs,
// addresses, times). [Reference] loads an object as libbpf does, through bpftool, and describes
// that. [Diff] compares two views.
//
// The reference is libbpf's own loader program if possible, since that is what this project
// replaces. `bpftool gen skeleton -L` generates a light skeleton; its blob and instructions are
// read from the C header and run here, as the header would do. So the reference needs no C
// compiler, its maps and programs are file descriptors of this process, and the instructions of its
// loader can be counted ([LoaderInsns]). If libbpf's loader does not support an object (static
// slots of program arrays, more than 64 maps or 32 programs, local storage maps, which hang the
// kernel when their creation fails inside a loader), the reference is `bpftool prog loadall`, which
// is libbpf without its loader, in a separate mount namespace and BPF file system.
package sameload
