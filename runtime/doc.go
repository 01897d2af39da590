// Package runtime loads BPF objects that bpf2lskel has turned into Go.
//
// In goes a [Spec], usually as static data of a generated package, out come
// file descriptors: [Open] gives a [Skeleton] whose initial data can be
// changed, [Skeleton.Load] creates one map, loads one program, runs it once,
// and all maps and programs of the object exist.
//
// This package is in every user's binary, so it stays small and depends on
// nothing but the standard library and golang.org/x/sys/unix.
package runtime
