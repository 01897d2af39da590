// Package sigload attacks signed packages by bare system calls, as somebody does who has a package
// and not its key: the signature stays as it is, and all that is given to the kernel beside it is
// varied. It knows nothing of package runtime, whose own care is not what it tests: a signature has
// to hold whoever makes the calls.
//
// [Package] is what an attacker has, [Load] what he gives to the kernel, and [Package.Try] tells
// how far he got.
package sigload
