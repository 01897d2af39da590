// Package live has a generated package that the tests of codegen load and use.
package live

//go:generate go run ../../../cmd/bpf2lskel -target bpfel,bpfeb -o skel ../../testdata/live.bpf.c
