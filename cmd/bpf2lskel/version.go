package main

import (
	"flag"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/bpf2lskel/bpf2lskel/codegen"
)

// version is the verb that does the same as -version.
func version(args []string, stdout, _ io.Writer) error {
	fs := flag.NewFlagSet("bpf2lskel version", flag.ContinueOnError)
	if err := parseFlags(fs, "Usage: bpf2lskel version\n", args, stdout); err != nil {
		return err
	}
	return printVersion(stdout)
}

// printVersion prints the version that generated files state, the commit if known, and the Go
// version that built the command.
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
