// Package loader makes the two pieces that a load needs from an object: the
// blob, and the loader program that turns the blob into maps and programs.
//
// [ReadFile] and [Read] are for objects that are known only at run time: what they
// return, package runtime opens and loads. The command calls [Generate], to write
// packages.
//
// In goes an [object.Object], out comes a [spec.Spec]. The package is pure:
// no system call, no clock, and the same object gives the same bytes.
// docs/architecture.md has the layout of the blob and the loader's ABI.
//
// # What the loader program looks like
//
// It is one straight line: no jump, no call of a function of its own, no
// clean-up. Whatever a step gets, a file descriptor or a negative errno, goes
// into a word of the blob, and the next step follows. That costs the
// verifier no second state, so the time to load it is linear in its length, and an error
// needs no code: each later step that depends on what failed fails as well,
// without effect, and the runtime, which reads the words back, reports the first.
//
// The loader of a large object is several such lines, its parts, each behind the one jump that
// picks it by the context. The runtime runs them on several threads, phase by phase: see parts.go.
// If many programs have the same CO-RE relocations, the first part resolves them for all: see
// core.go.
//
// Registers hold throughout:
//
//	R6  the blob, which begins with the slots: also the fd_array of programs
//	R7  the cursor: the record in the blob of the step at hand
//	R8  the fd of the object's BTF
//	R9  the license string
//
// R0 to R5 are free within a step. Each step finds its attr, and all that the
// attr points to, in one record at the cursor, so that offsets stay small
// however large the object is.
package loader
