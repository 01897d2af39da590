package main

import (
	"errors"
	"flag"
	"fmt"
	"go/build/constraint"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/bpf2lskel/bpf2lskel/codegen"
)

// config is a parsed command line.
type config struct {
	input    string // as given
	isObject bool
	stem     string // of the names of the object and of all files
	pkg      string
	outDir   string
	explicit bool // -target is set

	targets    []target
	tags       constraint.Expr
	types      []string
	records    map[string]string
	kernelBTF  []string
	stripLines bool
	check      bool
	signing    signing

	cc       []string // with its leading flags
	strip    string   // "" to keep DWARF
	cflags   []string
	makeBase string
}

const help = `Usage: bpf2lskel [flags] SOURCE.c|OBJECT.o [-- C flags]
       bpf2lskel load [-json] [-pin DIR] [-pin-path DIR] FILE.o
       bpf2lskel inspect FILE.o
       bpf2lskel preflight [-btf FILE]... DIR|FILE.o
       bpf2lskel sign -key KEY.pem -cert CERT.pem DIR...
       bpf2lskel verify -cert CERT.pem DIR...
       bpf2lskel version
       bpf2lskel help [VERB]

Writes a Go package that loads a BPF object with one map and one program. Each
object becomes a package in its own directory.

`

// errVersion ends the command after it has printed its version.
var errVersion = errors.New("only the version was requested")

// parseConfig reads the command line and the environment.
func parseConfig(args []string, stdout io.Writer) (*config, error) {
	args, cflags := splitAtDashes(args)
	c := &config{records: map[string]string{}}
	var outDir, targets, flagCFlags, cc, tags string
	var noStrip, wantVersion bool
	var bpf2goOnly []string

	fs := flag.NewFlagSet("bpf2lskel", flag.ContinueOnError)
	fs.StringVar(&outDir, "o", "", "write the package to this `directory` (default: named after the package or the file)")
	fs.StringVar(&outDir, "output-dir", "", "same as -o")
	fs.StringVar(&c.pkg, "go-package", "", "`name` of the package (default: the name of its directory)")
	fs.StringVar(&targets, "target", "bpfel,bpfeb", "comma-separated `list` of targets to compile for: bpf, bpfel, bpfeb, native or a GOARCH")
	fs.StringVar(&tags, "tags", "", "build `constraint` for the Go files: comma-separated tags, or an expression such as 'linux && !noebpf'")
	fs.Func("type", "C `type` to declare in Go in addition to those of maps and globals; may be repeated", c.addType)
	fs.Func("ringbuf", "`MAP=TYPE` sets the C type of the records in a ring buffer or perf event array; may be repeated", c.addRecord)
	fs.Func("kernel-btf", "fail if kernel functions or variables are missing from this vmlinux BTF `file`, or differ in type; may be repeated, for modules", c.addKernel)
	fs.BoolVar(&c.check, "check", false, "write nothing: print how the existing files differ, and exit with status 1 if they do")
	fs.BoolVar(&c.stripLines, "strip-lines", false, "omit line info: the package is smaller, but verifier logs lack source lines")
	c.signing.addFlags(fs, "sign-")
	fs.BoolVar(&c.signing.later, "signed", false, "generate a package that 'bpf2lskel sign' can sign; implied by the -sign- flags")
	fs.StringVar(&cc, "cc", env("CC", "clang"), "C `compiler` ($BPF2LSKEL_CC)")
	fs.StringVar(&flagCFlags, "cflags", env("CFLAGS", ""), "`flags` for the compiler; quotes group words ($BPF2LSKEL_CFLAGS)")
	fs.StringVar(&c.strip, "strip", env("STRIP", ""), "`command` that strips DWARF ($BPF2LSKEL_STRIP); the package never contains any")
	fs.BoolVar(&noStrip, "no-strip", false, "do not strip DWARF")
	fs.StringVar(&c.makeBase, "makebase", env("MAKEBASE", ""), "write dependencies for make, relative to this `directory` ($BPF2LSKEL_MAKEBASE)")
	fs.BoolVar(&wantVersion, "version", false, "print the version and exit")
	addBpf2goFlags(fs, &bpf2goOnly)
	if err := parseFlags(fs, help, args, stdout); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(stdout, "\nWhere these variables are unset, those of bpf2go ($BPF2GO_CC and so on) are used.\n")
		}
		return nil, err
	}
	if wantVersion {
		return nil, errors.Join(errVersion, printVersion(stdout))
	}
	if err := answerBpf2go(fs, args, cflags, bpf2goOnly); err != nil {
		return nil, err
	}
	switch after := flagAfterFile(fs.Args()); {
	case fs.NArg() == 0:
		return nil, usagef(fs, "want a source or object file")
	case after != "":
		return nil, usagef(fs, "flag %s after the file: put flags before the file, and compiler flags after --", after)
	case fs.NArg() > 1:
		return nil, usagef(fs, "want one source or object file, got %s: run bpf2lskel once for each", strings.Join(fs.Args(), ", "))
	}
	c.input = fs.Arg(0)
	c.isObject = isObject(c.input)
	// libbpf and bpftool name an object after its file, up to the first dot.
	c.stem, _, _ = strings.Cut(filepath.Base(c.input), ".")
	fs.Visit(func(f *flag.Flag) { c.explicit = c.explicit || f.Name == "target" })

	var err error
	if c.targets, err = findTargets(targets); err != nil {
		return nil, usagef(fs, "%w", err)
	}
	if tags != "" {
		if c.tags, err = parseTags(tags); err != nil {
			return nil, usagef(fs, "-tags %q: %w", tags, err)
		}
	}
	if noStrip {
		c.strip = ""
	}
	if err := c.setCompiler(cc, flagCFlags, cflags); err != nil {
		return nil, usagef(fs, "%w", err)
	}
	if err := c.signing.open(); err != nil {
		return nil, err
	}
	if c.pkg != "" {
		if err := checkPackageName(c.pkg); err != nil {
			return nil, usagef(fs, "-go-package: %w", err)
		}
	}
	return c, c.setPackage(outDir)
}

// parseTags parses a comma-separated list of build tags or build expressions, all of which must
// hold.
func parseTags(list string) (constraint.Expr, error) {
	var all constraint.Expr
	for part := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(part) == "" {
			return nil, errors.New("empty tag")
		}
		expr, err := constraint.Parse("//go:build " + part)
		if err != nil {
			return nil, fmt.Errorf("%w: want comma-separated tags, or an expression such as linux && !noebpf", err)
		}
		if all == nil {
			all = expr
		} else {
			all = &constraint.AndExpr{X: all, Y: expr}
		}
	}
	return all, nil
}

func (c *config) addType(name string) error {
	if name == "" {
		return errors.New("want the name of a C type")
	}
	if !slices.Contains(c.types, name) {
		c.types = append(c.types, name)
	}
	return nil
}

func (c *config) addRecord(arg string) error {
	m, t, ok := strings.Cut(arg, "=")
	if !ok || m == "" || t == "" {
		return errors.New("want MAP=TYPE")
	}
	c.records[m] = t
	return nil
}

// setCompiler splits the values of -cc and -cflags into words.
func (c *config) setCompiler(cc, flags string, more []string) error {
	c.cc = strings.Fields(cc) // "ccache clang"
	if len(c.cc) == 0 {
		return errors.New("-cc: want a compiler")
	}
	words, err := splitWords(flags)
	if err != nil {
		return fmt.Errorf("-cflags %s: %w", flags, err)
	}
	c.cflags = append(words, more...)
	for _, f := range c.cflags {
		if strings.HasPrefix(f, "-M") {
			return fmt.Errorf("compiler flag %s: use -makebase instead", f)
		}
	}
	return nil
}

// setPackage sets the directory and the name of the package.
func (c *config) setPackage(outDir string) error {
	if c.stem == "" {
		return fmt.Errorf("%s: file name begins with a dot, so the package's files would have no name: rename it", c.input)
	}
	if err := codegen.CheckStem(c.stem); err != nil {
		return fmt.Errorf("%s: %w: rename it", c.input, err)
	}
	c.outDir = outDir
	if outDir == "" {
		c.outDir = c.pkg
		if c.pkg == "" {
			c.outDir = packageName(c.stem)
		}
	}
	if err := checkDir(c.outDir); err != nil {
		return err
	}
	beside, ok := findNeighbour(c.outDir)
	switch {
	case ok && c.pkg == "":
		c.pkg = beside.pkg
	case ok && c.pkg != beside.pkg:
		return fmt.Errorf("-go-package %s: the directory already has package %[3]s (%[2]s): choose another directory with -o", c.pkg, beside.file, beside.pkg)
	case c.pkg == "":
		abs, err := filepath.Abs(c.outDir)
		if err != nil {
			return err
		}
		c.pkg = packageName(filepath.Base(abs))
	}
	if err := checkPackageName(c.pkg); err != nil {
		return fmt.Errorf("%w: set one with -go-package", err)
	}
	return nil
}

func checkPackageName(name string) error {
	if !token.IsIdentifier(name) || name == "_" {
		return fmt.Errorf("%q is not a valid Go package name", name)
	}
	return nil
}

// packageName returns a directory's name without the characters that Go identifiers cannot have.
func packageName(directory string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, directory)
}

// isObject reports whether a file is an object rather than C source, judged by its name, or else by
// its contents.
func isObject(path string) bool {
	if filepath.Ext(path) == ".o" {
		return true
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	magic := make([]byte, 4)
	_, err = io.ReadFull(f, magic)
	return err == nil && string(magic) == "\x7fELF"
}

// env returns a default from the environment. It honors bpf2go's variables as well.
func env(name, otherwise string) string {
	for _, prefix := range []string{"BPF2LSKEL_", "BPF2GO_"} {
		if v, ok := os.LookupEnv(prefix + name); ok {
			return v
		}
	}
	return otherwise
}

// splitAtDashes splits off the compiler's arguments, which follow "--".
func splitAtDashes(args []string) (ours, theirs []string) {
	if i := slices.Index(args, "--"); i >= 0 {
		return args[:i], args[i+1:]
	}
	return args, nil
}

// splitWords splits s at spaces, except within quotation marks. A backslash escapes the next
// character.
func splitWords(s string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord, escaped, quote := false, false, rune(0)
	for _, r := range s {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\':
			escaped, inWord = true, true
		case quote != 0:
			if r == quote {
				quote = 0
			} else {
				word.WriteRune(r)
			}
		case r == '"' || r == '\'':
			quote, inWord = r, true
		case unicode.IsSpace(r):
			if inWord {
				words = append(words, word.String())
			}
			word.Reset()
			inWord = false
		default:
			inWord = true
			word.WriteRune(r)
		}
	}
	switch {
	case quote != 0:
		return nil, fmt.Errorf("missing %c", quote)
	case escaped:
		return nil, errors.New("trailing backslash")
	case inWord:
		words = append(words, word.String())
	}
	return words, nil
}
