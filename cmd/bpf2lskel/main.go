// Bpf2lskel turns a BPF object into a Go package that loads it with one map
// and one program.
//
//	bpf2lskel [flags] SOURCE.c|OBJECT.o [-- C flags]
//
// writes the package. It is made for go generate:
//
//	//go:generate go tool bpf2lskel -o skel counter.bpf.c
//
// Three verbs do without Go code:
//
//	bpf2lskel load [flags] FILE.o                load the object and show the result
//	bpf2lskel inspect FILE.o                     print the plan of its load
//	bpf2lskel preflight [flags] FOLDER|FILE.o    print what a kernel lacks for it
//
// And two are for packages that the kernel is to verify, see docs/signing.md:
//
//	bpf2lskel sign -key KEY.pem -cert CERT.pem FOLDER...   add signatures, or replace them
//	bpf2lskel verify -cert CERT.pem FOLDER...              check them, without a kernel
//
// bpf2lskel help VERB has the flags of each, and bpf2lskel -version says which build this is.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/nearest"
)

// A verb does what the arguments say.
type verb func(args []string, stdout, stderr io.Writer) error

// verbs are what the first argument may be instead of a file.
var verbs = map[string]verb{
	"load":      load,
	"inspect":   inspect,
	"preflight": preflightVerb,
	"sign":      sign,
	"verify":    verify,
	"version":   version,
}

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is main with an exit status.
func run(args []string, stdout, stderr io.Writer) int {
	cmd, args := find(args)
	err := cmd(args, &printableWriter{w: stdout}, stderr)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return 0
	}
	fmt.Fprintf(stderr, "bpf2lskel: %s\n", printable(err.Error()))
	if wrong := (*usageError)(nil); errors.As(err, &wrong) {
		return 2
	}
	return 1
}

// find returns the command that is asked for, and its arguments.
func find(args []string) (verb, []string) {
	if len(args) == 0 {
		return generate, nil
	}
	if args[0] == "help" {
		// The help of a verb is what its -h says.
		if len(args) > 1 && verbs[args[1]] != nil {
			return verbs[args[1]], []string{"-h"}
		}
		if len(args) > 1 {
			return func([]string, io.Writer, io.Writer) error { return unknownVerb(args[1]) }, nil
		}
		return generate, []string{"-h"}
	}
	if cmd := verbs[args[0]]; cmd != nil {
		return cmd, args[1:]
	}
	if looksLikeVerb(args) {
		return func([]string, io.Writer, io.Writer) error { return unknownVerb(args[0]) }, nil
	}
	return generate, args
}

// looksLikeVerb reports whether the first argument is a word that is no file. With a C source after
// it, it is not a verb either, but what bpf2go wants there.
func looksLikeVerb(args []string) bool {
	word := args[0]
	if word == "" || strings.ContainsAny(word, "./\\") || strings.HasPrefix(word, "-") || exists(word) {
		return false
	}
	return len(args) == 1 || filepath.Ext(args[1]) != ".c"
}

func unknownVerb(name string) error {
	names := append(slices.Collect(maps.Keys(verbs)), "help")
	slices.Sort(names)
	text := fmt.Sprintf("unknown command %q", name)
	if like := nearest.Name(name, names); like != "" {
		text += fmt.Sprintf(" (did you mean %q?)", like)
	}
	return &usageError{"bpf2lskel", fmt.Errorf("%s: want %s, or flags and a source or object file", text, strings.Join(names, ", "))}
}
