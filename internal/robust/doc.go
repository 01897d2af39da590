// Package robust tests the generator, from the object file to the Go package, with files that no
// compiler has written: real objects with flipped bits, overwritten bytes, missing ends and swapped
// sections. The result must be a package or an error.
package robust
