// Package codegen generates the Go package for an object.
//
// [Generate] takes an [object.Object], for its C types, names and lines, and the [spec.Spec] that
// package loader made from it, and returns the files of a Go package. It is pure: the same input
// gives the same bytes. The caller is cmd/bpf2lskel, which writes the files to disk. Other modules
// cannot call Generate, since both types are internal.
//
// The files of this package generate:
//
//	generate.go   the order of things in the file, build tags, embedded files
//	skeleton.go   Skeleton, Open, Load, Close
//	maps.go       type Maps: one field for each map, typed by kind, key and value
//	attach.go     Links, Attach, Detach
//	kinds.go      the type in package runtime of a map or program
//	programs.go   type Progs: one field for each program, typed by kind
//	globals.go    a struct for each section with global variables
//	spec.go       the Spec, as static data
//	types.go      the set of C types to declare, and their names in Go
//	ctype.go      the Go type for a C type
//	layout.go     the layout of structs and unions
//	structs.go    declarations of structs and unions
//	accessors.go  methods for members that cannot be Go fields
//	enums.go      declarations of enums
//	names.go      Go names from C names
//	verify.go     a check that Go's layout of all types is that of C
package codegen
