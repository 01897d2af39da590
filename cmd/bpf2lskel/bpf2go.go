package main

import (
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// bpf2goFlags lists the flags of bpf2go that bpf2lskel lacks, with what to do instead.
var bpf2goFlags = []struct {
	name   string
	isBool bool
	answer string
}{
	{"no-global-types", true, "drop it: the types have a package to themselves, so they cannot collide"},
	{"output-stem", false, "files are named after the source: rename the source, or choose another directory with -o"},
	{"output-suffix", false, "drop it: the files have a package to themselves, which tests can import"},
	{"verbose", true, "drop it"},
}

// addBpf2goFlags makes fs accept bpf2goFlags without listing them in its help. The name of each
// flag that is set is appended to used.
func addBpf2goFlags(fs *flag.FlagSet, used *[]string) {
	for _, f := range bpf2goFlags {
		use := func(string) error {
			*used = append(*used, f.name)
			return nil
		}
		if f.isBool {
			fs.BoolFunc(f.name, "", use)
		} else {
			fs.Func(f.name, "", use)
		}
	}
}

// answerBpf2go returns an error if the command line is written for bpf2go, with a name before the
// source or with flags that bpf2lskel lacks. Otherwise it returns nil.
func answerBpf2go(fs *flag.FlagSet, args, cflags, used []string) error {
	rest := fs.Args()
	named := len(rest) == 2 && !strings.HasPrefix(rest[1], "-") && isBPFFile(rest[1]) && !isBPFFile(rest[0])
	if !named && len(used) == 0 {
		return nil
	}
	var b strings.Builder
	if named {
		fmt.Fprintf(&b, "%s %s is bpf2go's syntax: bpf2lskel takes only the source, and -o sets the package's directory", rest[0], rest[1])
	} else {
		b.WriteString("bpf2lskel does not have these flags of bpf2go:")
	}
	for _, f := range bpf2goFlags {
		if slices.Contains(used, f.name) {
			fmt.Fprintf(&b, "\n  -%s: %s", f.name, f.answer)
		}
	}
	if named || len(rest) == 1 {
		fmt.Fprintf(&b, "\nUse instead: %s", commandLine(ours(fs, args, rest), cflags))
	}
	return usagef(fs, "%s", b.String())
}

func isBPFFile(path string) bool {
	ext := filepath.Ext(path)
	return ext == ".c" || ext == ".o"
}

// ours translates bpf2go's arguments. rest holds the arguments after the flags.
func ours(fs *flag.FlagSet, args, rest []string) []string {
	flags := args[:len(args)-len(rest)]
	var kept []string
	directory := ""
	for i := 0; i < len(flags); i++ {
		name, value, assigned := strings.Cut(strings.TrimLeft(flags[i], "-"), "=")
		words := flags[i : i+1]
		if b, ok := fs.Lookup(name).Value.(interface{ IsBoolFlag() bool }); !assigned && !(ok && b.IsBoolFlag()) {
			words, value = flags[i:i+2], flags[i+1]
			i++
		}
		switch {
		case name == "o" || name == "output-dir":
			directory = value
		case fs.Lookup(name).Usage != "":
			kept = append(kept, words...)
		}
	}
	source := rest[len(rest)-1]
	if len(rest) == 2 {
		directory = filepath.Join(directory, strings.ToLower(rest[0]))
	}
	if directory != "" {
		kept = append([]string{"-o", directory}, kept...)
	}
	return append(kept, source)
}

// commandLine quotes a command line for a shell or a go:generate line.
func commandLine(args, cflags []string) string {
	words := []string{"bpf2lskel"}
	words = append(words, args...)
	if len(cflags) > 0 {
		words = append(append(words, "--"), cflags...)
	}
	for i, w := range words {
		if w == "" || strings.ContainsAny(w, " \t\"'\\$&|;<>()*?[]!#~") {
			words[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}
