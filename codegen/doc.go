// Package codegen writes the Go package of an object.
//
// In go an [object.Object], for what is known about C (types, names, lines),
// and the [spec.Spec] that package loader made of it; out come the files of a Go
// package, in memory. It is pure: the same input gives the same bytes. The
// caller is cmd/bpf2lskel, which puts the files on disk; other modules cannot
// call [Generate], since both types are internal.
//
// What is written, by file of this package:
//
//	generate.go   the order of things in the file, build tags, embedded files
//	skeleton.go   Skeleton, Open, Load, Close
//	maps.go       type Maps: one field for each map, typed by kind, key and value
//	attach.go     Links, Attach, Detach
//	kinds.go      which type of package runtime a map or program has
//	programs.go   type Progs: one field for each program, typed by kind
//	globals.go    a struct for each section with global variables
//	spec.go       the Spec, as static data
//	types.go      which C types are needed and what they are called in Go
//	ctype.go      the Go type that stands for a C type
//	layout.go     where the members of a struct or union go
//	structs.go    declarations of structs and unions
//	accessors.go  methods for members that cannot be Go fields
//	enums.go      declarations of enums
//	names.go      Go names from C names
//	verify.go     the check that Go lays all of it out as C does
package codegen
