// Package example has the object that the examples in package documentation use.
package example

//go:generate go tool bpf2lskel -o skel traffic.bpf.c
