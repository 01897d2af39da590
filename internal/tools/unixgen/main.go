// Command unixgen writes package internal/unix: unixgen ROOT, where ROOT is the module's directory.
// It finds the names of that package that the module's Go files use, except for tests, and copies
// them from golang.org/x/sys/unix.
package main

import (
	"bytes"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: unixgen ROOT")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "unixgen:", err)
		os.Exit(1)
	}
}

func run(root string) error {
	files, err := generate(root, root)
	if err != nil {
		return err
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(root, directory, name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// directory is the package's directory below the module root, and the end of its import path.
const directory = "internal/unix"

// generate returns the package's files. The module at from requires golang.org/x/sys.
func generate(root, from string) (map[string][]byte, error) {
	names, err := usedNames(root)
	if err != nil {
		return nil, err
	}
	api, err := resolve(names, from)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for name, write := range map[string]func(*bytes.Buffer, *surface){
		"unix_linux.go": writeLinux,
		"unix_other.go": writeOther,
	} {
		var out bytes.Buffer
		write(&out, api)
		if files[name], err = format.Source(out.Bytes()); err != nil {
			return nil, fmt.Errorf("%s: %w\n%s", name, err, out.Bytes())
		}
	}
	return files, nil
}
