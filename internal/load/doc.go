// Package load loads the object that a [spec.Spec] describes into the kernel: it creates a map with
// the blob, loads and runs the loader program, and reads the results of the steps from the blob.
// [Run] is the entry point, and decides about further attempts. The package does not know skeletons
// or typed maps: package runtime builds a [Request] from the user's changes, and takes over the
// file descriptors.
//
// Since it is part of every user's binary, it imports only the standard library,
// golang.org/x/sys/unix, and packages spec and sys.
package load
