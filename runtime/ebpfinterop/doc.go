// Package ebpfinterop passes maps and programs of a loaded skeleton to github.com/cilium/ebpf, so
// that its packages link, ringbuf, perf and pin can use them. It also attaches uprobes by symbol.
//
// A map or program that is passed on has its own file descriptor, which the caller must close. It
// does not depend on the skeleton, nor the skeleton on it.
//
// It is separate from package runtime because it brings all of cilium/ebpf into a binary.
package ebpfinterop
