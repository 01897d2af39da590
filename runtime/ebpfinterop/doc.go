// Package ebpfinterop hands maps and programs of a loaded skeleton on to github.com/cilium/ebpf, so
// that its packages link, ringbuf, perf and pin work with them, and attaches what needs the symbols
// of an executable.
//
// What is handed on has a file descriptor of its own: it is the caller's to
// close, and neither ends with the skeleton nor ends the skeleton's.
//
// It is a package of its own because it brings all of cilium/ebpf into a binary.
package ebpfinterop
