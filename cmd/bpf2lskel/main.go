// Bpf2lskel turns a BPF object into a Go package that loads it with one map and one program.
//
//	bpf2lskel [flags] SOURCE.c|OBJECT.o [-- C flags]
//
// writes the package. It is designed for go generate:
//
//	//go:generate go tool bpf2lskel -o skel counter.bpf.c
//
// Three verbs work on the object itself:
//
//	bpf2lskel load [flags] FILE.o             load the object and show the result
//	bpf2lskel inspect FILE.o                  print the steps of its load
//	bpf2lskel preflight [flags] DIR|FILE.o    print what it needs and a kernel lacks
//
// Two verbs are for packages whose signatures the kernel verifies, see docs/signing.md:
//
//	bpf2lskel sign -key KEY.pem -cert CERT.pem DIR...   add or replace signatures
//	bpf2lskel verify -cert CERT.pem DIR...              check them as the kernel would
//
// Run bpf2lskel help VERB for the flags of a verb, and bpf2lskel -version for the version.
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

// A verb runs a command with its arguments.
type verb func(args []string, stdout, stderr io.Writer) error

// verbs holds the words that the first argument may be instead of a file.
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

// find returns the verb to run, and its arguments.
func find(args []string) (verb, []string) {
	if len(args) == 0 {
		return generate, nil
	}
	if args[0] == "help" {
		// help VERB is the same as VERB -h.
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

// looksLikeVerb reports whether the first argument is a word and not a file. A word before a C
// source is not a verb either: bpf2go's command lines have a name there.
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
