// Package sigload attacks signed packages with bare system calls, as an attacker would who has a
// package but not its key: the signature stays the same, and everything else given to the kernel
// varies. It does not use package runtime, whose checks are not what it tests: a signature must
// hold against any caller.
//
// [Package] is what the attacker has, [Load] is what he gives to the kernel, and [Package.Try]
// returns how far he got.
package sigload
