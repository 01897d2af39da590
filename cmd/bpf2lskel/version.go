package main

import (
	"flag"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/bpf2lskel/bpf2lskel/codegen"
)

// version is the verb for -version.
func version(args []string, stdout, _ io.Writer) error {
	fs := flag.NewFlagSet("bpf2lskel version", flag.ContinueOnError)
	if err := parseFlags(fs, "Usage: bpf2lskel version\n", args, stdout); err != nil {
		return err
	}
	return printVersion(stdout)
}

// printVersion says which build this is: the tool's version, as generated files state it, the
// commit if that is known, and the Go version that it was built with.
func printVersion(w io.Writer) error {
	version, goVersion := codegen.Version, "an unknown Go version"
	if info, ok := debug.ReadBuildInfo(); ok {
		goVersion = info.GoVersion
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				version += " " + s.Value
			}
		}
	}
	_, err := fmt.Fprintf(w, "bpf2lskel %s, built with %s\n", version, goVersion)
	return err
}
