// Bpf2lskel turns a BPF object into a Go package that loads it with one map
// and one program.
//
//	bpf2lskel [flags] SOURCE.c|OBJECT.o [-- C flags]
//
// writes the package. It is made for go generate:
//
//	//go:generate go tool bpf2lskel -o skel counter.bpf.c
//
// Two verbs do without Go code:
//
//	bpf2lskel load [-json] [-pin DIR] FILE.o   load the object on this kernel and show what came to be
//	bpf2lskel inspect FILE.o                   print the plan of its load
//
// And two are for packages that the kernel is to verify, see docs/signing.md:
//
//	bpf2lskel sign -key KEY.pem -cert CERT.pem FOLDER...   add signatures, or replace them
//	bpf2lskel verify -cert CERT.pem FOLDER...              check them, without a kernel
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

// verbs are what the first argument may be instead of a file.
var verbs = map[string]func(args []string, stdout, stderr io.Writer) error{
	"load":    load,
	"inspect": inspect,
	"sign":    sign,
	"verify":  verify,
}

// errUsage is an error that the flag package has told the user about.
var errUsage = errors.New("usage")

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is main with an exit status.
func run(args []string, stdout, stderr io.Writer) int {
	command := generate
	if len(args) > 0 && verbs[args[0]] != nil {
		command, args = verbs[args[0]], args[1:]
	}
	err := command(args, stdout, stderr)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		return 2
	}
	fmt.Fprintf(stderr, "bpf2lskel: %v\n", err)
	return 1
}

// parse parses the flags of a verb that takes one file.
func parse(fs *flag.FlagSet, args []string, stderr io.Writer) (file string, err error) {
	fs.SetOutput(stderr)
	if err := fs.Parse(args); err != nil {
		return "", usage(err)
	}
	if fs.NArg() != 1 {
		fs.Usage()
		return "", errUsage
	}
	return fs.Arg(0), nil
}

// usage is what an error of the flag package means for the exit status.
func usage(err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	return errUsage
}
