// Package unix has what this module uses of golang.org/x/sys/unix, on every system. On Linux it is
// that package: constants and types are the same, and functions are calls that the compiler
// inlines. Elsewhere constants have the values of Linux on amd64, types the same fields, and
// functions fail with ErrUnsupported, so that the generator runs on other systems, and programs
// that import generated packages can be built and checked there.
//
// The build tag bpf2lskel_standin does the same on Linux, for tests.
//
// All but a few system calls is generated, from the names that the module's other packages use.
package unix

//go:generate go -C ../tools run ./unixgen ../..
