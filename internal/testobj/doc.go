// Package testobj gives every test of the project the same BPF objects.
//
// The C sources are in testdata/ at the top of the checkout: testdata/*.bpf.c is the corpus proper,
// testdata/extern/ holds what needs kernel symbols, testdata/arena/ what needs clang 19,
// testdata/bad/ what must be refused, testdata/refused/ what kernels refuse, testdata/prototype/
// what declares kernel symbols otherwise than the kernel, testdata/structops/ structs of
// operations, testdata/trace/ what measures others. An object is named by its path below testdata
// without the ".bpf.c": "globals", "extern/kfunc_weak", "bad/twins".
//
// The head comment of a source says what it covers, and may have lines for this package: "run:" for
// what its programs must do ([Runs]), "cc:" for the compiler, if it has to be another one than
// usual, "objcopy:" for what llvm-objcopy shall do to the compiled object.
//
// Objects are compiled on demand and kept, by content, in the user's cache directory, so that a
// second test run compiles nothing. The file is always called NAME.bpf.o: libbpf derives the
// object's name, and from it the names of data maps, from the file's name up to the first dot.
//
// Where there is no compiler, as in a virtual machine, $BPF2LSKEL_OBJECTS names a directory that
// `go run ./internal/testobj/compile -o DIR` has filled.
package testobj
