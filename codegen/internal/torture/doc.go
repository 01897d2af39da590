// Package torture has the package that is generated from awkward C types. The tests of codegen
// compare it with what clang says of them, and pass values to and fro.
package torture

//go:generate go run ../../../cmd/bpf2lskel -target bpfel,bpfeb -o skel ../../testdata/torture.bpf.c
