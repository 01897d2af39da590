// Command release makes a release in three steps, each of which checks the result of the previous
// one:
//
//	release prepare v0.2.0          writes the version into the files that state it
//	release build -o DIR v0.2.0     builds the command for each platform, twice, and compares
//	release tag v0.2.0              tags all modules that users get
//
// After prepare, run make generate golden, which updates the files that contain the version, and
// commit everything. The release is HEAD: uncommitted changes are refused.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/semver"
)

// modules are the directories of the modules for users; the others require the first.
var modules = []string{".", "runtime/legacy", "internal/vmtest"}

// platforms are the targets that the command is built for.
var platforms = []string{"linux/amd64", "linux/arm64", "darwin/arm64", "windows/amd64"}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	root := flags.String("root", "../..", "`directory` of the checkout")
	out := flags.String("o", "", "build: `directory` to write to")
	only := flags.String("platforms", strings.Join(platforms, ","), "build: `list` of GOOS/GOARCH")
	if len(args) == 0 {
		return fmt.Errorf("want prepare, build or tag, and a version")
	}
	verb := args[0]
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	version := flags.Arg(0)
	if flags.NArg() != 1 || semver.Canonical(version) != version {
		return fmt.Errorf("want one version, such as v1.2.3 or v1.2.3-rc.1, not %q", strings.Join(flags.Args(), " "))
	}
	t := tree{root: *root}
	switch verb {
	case "prepare":
		return t.prepare(version)
	case "build":
		if *out == "" {
			return fmt.Errorf("build: want -o, the directory to write to")
		}
		return t.build(version, *out, strings.Split(*only, ","))
	case "tag":
		return t.tag(version)
	}
	return fmt.Errorf("unknown verb %q: want prepare, build or tag", verb)
}
