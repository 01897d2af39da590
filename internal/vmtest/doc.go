// Command vmtest boots Linux kernels in QEMU and runs the project's kernel tests in each of them.
//
// For every kernel of the matrix (matrix.go) it
//
//  1. looks up and fetches the newest packages (archive.go, kernel.go, userland.go), cached by
//     version outside the checkout (cache.go),
//  2. builds static test binaries for the guest (tests.go), and the project's own kernel modules
//     where the kernel's headers fit the compiler of this machine (kmod.go),
//  3. packs an initramfs (initramfs.go) with an init that runs them one after the other (init.sh),
//  4. boots it (qemu.go, machine.go), reads markers and test events from the console (console.go,
//     results.go), and ends with a table (report.go).
//
// A guest whose init never runs is booted again. A guest that dies later is not, and a failed test
// is not run again. A guest's time does not include time spent waiting for a processor (clock.go),
// so that several runs on one machine do not make each other fail. When it is up, init makes the
// test binary print its goroutines.
//
// Other projects can run their tests with this command: docs/ci.md has the recipe. It changes as
// this project's needs do.
//
//	//vmtest:all         every kernel that can load a light skeleton
//	//vmtest:5.10,6.1    only the kernels with these keys
//	//vmtest:all,5.10    both
//
// A test runs in /src/<its package>, where it finds the testdata directories of its package and of
// the module at the same paths as in the checkout. Package internal/guest is the test's interface
// to the guest. If a package's directory has a command overlay, the package is compiled with the
// files that it replaces, as internal/ciliumexamples is.
//
// A skip is legal only if its message begins with "not on this kernel:". Any other skip is a
// failure: a matrix that silently tests less is worth nothing.
package main
