// Package load brings what a [spec.Spec] describes into the kernel: it creates one
// map with the blob, loads one program, the loader, runs it, and reads from the
// blob what became of each step. [Run] is its one entry, and has the whole policy
// of attempts. It knows neither skeletons nor typed maps: package runtime builds
// a [Request] from what its user has changed, and takes the file descriptors over.
//
// It imports the standard library, golang.org/x/sys/unix, and the rooms below it,
// spec and sys: it is part of every user's binary.
package load
