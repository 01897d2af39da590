package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/loader"
)

// inspect prints the steps of an object's load.
func inspect(args []string, stdout, _ io.Writer) error {
	fs := flag.NewFlagSet("bpf2lskel inspect", flag.ContinueOnError)
	file, err := parseFile(fs, "Usage: bpf2lskel inspect FILE.o\n\nPrints the steps of an object's load, without loading it: attr is the offset of a\nstep's attributes in the blob, insns its instructions in the loader program.\n", args, stdout)
	if err != nil {
		return err
	}
	obj, err := object.Read(file)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(stdout)
	if err := loader.List(w, obj, loader.Options{}); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return w.Flush()
}
