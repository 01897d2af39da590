// Package testobj provides the BPF objects for the project's tests.
//
// The C sources are in testdata/ at the top of the checkout: testdata/*.bpf.c is the corpus proper,
// testdata/extern/ needs kernel symbols, testdata/arena/ needs clang 19, testdata/bad/ must be
// refused, testdata/refused/ is refused by kernels, testdata/prototype/ declares kernel symbols
// differently from the kernel, testdata/structops/ has struct_ops, testdata/trace/ measures other
// programs. An object's name is its path below testdata without ".bpf.c": "globals",
// "extern/kfunc_weak", "bad/twins".
//
// The head comment of a source says what it covers, and may have lines for this package: "run:" for
// claims about running its programs ([Runs]), "cc:" for the compiler, if it needs a certain one,
// "objcopy:" for arguments of llvm-objcopy, applied to the compiled object.
//
// Objects are compiled on demand and cached, by content, in the user's cache directory, so a second
// test run compiles nothing. The file is always named NAME.bpf.o: libbpf derives the object's name,
// and the names of data maps, from the file's name up to the first dot.
//
// On a machine without a compiler, such as a virtual machine, $BPF2LSKEL_OBJECTS names a directory
// that `go run ./internal/testobj/compile -o DIR` has filled.
package testobj
