// Package loader generates the two parts of a load from an object: the blob, and the loader program
// that turns the blob into maps and programs.
//
// [ReadFile] and [Read] are for objects that are known only at run time. Package runtime opens and
// loads their result. The command calls [Generate] to write packages.
//
// Generate turns an [object.Object] into a [spec.Spec]. The package is pure: it makes no system
// calls and reads no clock, and the same object gives the same bytes. docs/architecture.md has the
// layout of the blob and the loader's ABI.
//
// # The loader program
//
// The loader is straight-line code, without jumps, subprograms or clean-up. Each step stores its
// result, a file descriptor or a negative errno, in a word of the blob, and the next step follows.
// The verifier therefore has a single state, and the time to load the program is linear in its
// length. Errors need no code: each later step that depends on a failed one fails too, without
// effect, and the runtime, which reads the words back, reports the first.
//
// The loader of a large object consists of several such parts, of which it runs the one whose
// number is in the context. The runtime runs the parts on several threads, phase by phase: see
// parts.go. If many programs have the same CO-RE relocations, the first part resolves them for all:
// see core.go.
//
// These registers never change their meaning:
//
//	R6  the blob, which begins with the slots: also the fd_array of programs
//	R7  the cursor: the record in the blob of the step at hand
//	R8  the fd of the object's BTF
//	R9  the license string
//
// R0 to R5 are free within a step. The attr of a step and the data that it points to are in one
// record at the cursor, so that offsets are small in large objects as well.
package loader
