package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/nearest"
)

// A usageError reports an invalid command line. The exit status is 2.
type usageError struct {
	command string // "bpf2lskel", "bpf2lskel load" and so on
	err     error
}

func (e *usageError) Error() string {
	verb := strings.TrimPrefix(e.command, "bpf2lskel")
	return fmt.Sprintf("%v\nRun 'bpf2lskel help%s' for usage.", e.err, verb)
}

func (e *usageError) Unwrap() error { return e.err }

// usagef returns a usageError for the command with the flags fs.
func usagef(fs *flag.FlagSet, format string, args ...any) error {
	return &usageError{fs.Name(), fmt.Errorf(format, args...)}
}

// parseFlags parses the flags of a command. For -h it prints text and the flags, and returns
// flag.ErrHelp.
func parseFlags(fs *flag.FlagSet, text string, args []string, stdout io.Writer) error {
	fs.SetOutput(io.Discard) // or the flag package prints all flags after each error
	err := fs.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, text)
		printFlags(fs, stdout)
		return err
	}
	if err == nil {
		return nil
	}
	if name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); ok {
		var names []string
		fs.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
		if like := nearest.Name(name, names); like != "" {
			return usagef(fs, "unknown flag -%s (did you mean -%s?)", name, like)
		}
		return usagef(fs, "unknown flag -%s", name)
	}
	return usagef(fs, "%w", err)
}

// parseFile parses the command line of a verb that takes one file.
func parseFile(fs *flag.FlagSet, text string, args []string, stdout io.Writer) (file string, err error) {
	if err := parseFlags(fs, text, args, stdout); err != nil {
		return "", err
	}
	if fs.NArg() != 1 {
		return "", usagef(fs, "want one object file, got %d arguments", fs.NArg())
	}
	return fs.Arg(0), nil
}

// printFlags prints the flags that have a description.
func printFlags(fs *flag.FlagSet, w io.Writer) {
	described := flag.NewFlagSet("", flag.ContinueOnError)
	described.SetOutput(w)
	fs.VisitAll(func(f *flag.Flag) {
		if f.Usage != "" {
			described.Var(f.Value, f.Name, f.Usage)
			described.Lookup(f.Name).DefValue = f.DefValue
		}
	})
	described.PrintDefaults()
}

// flagAfterFile returns the first argument after the file that looks like a flag, or "". The flag
// package takes flags after the file for files.
func flagAfterFile(files []string) string {
	for _, arg := range files[min(1, len(files)):] {
		if strings.HasPrefix(arg, "-") {
			return arg
		}
	}
	return ""
}
