// Package robust tests the whole way from an object file to a Go package with
// files that no compiler has written: real objects with bits flipped, bytes
// overwritten, ends cut off, sections swapped. What comes out is a package or an error.
package robust
