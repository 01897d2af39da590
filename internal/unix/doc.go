// Package unix provides the parts of golang.org/x/sys/unix that this module uses, on every system.
// On Linux it forwards to that package: constants and types are the same, and functions are calls
// that the compiler inlines. On other systems constants have the values of Linux on amd64, types
// have the same fields, and functions fail with ErrUnsupported. So the generator runs on other
// systems, and programs that import generated packages can be built and checked there.
//
// The build tag bpf2lskel_standin selects the latter on Linux too, for tests.
//
// Everything except a few system calls is generated from the names that the module's other packages
// use.
package unix

//go:generate go -C ../tools run ./unixgen ../..
