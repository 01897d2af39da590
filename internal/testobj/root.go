package testobj

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// PrecompiledEnv is the environment variable that names the directory of precompiled objects.
const PrecompiledEnv = "BPF2LSKEL_OBJECTS"

// precompiled returns the directory of precompiled objects, or "".
func precompiled() string { return os.Getenv(PrecompiledEnv) }

// Root returns the top of the checkout: the current directory or the nearest parent with the
// project's go.mod.
var Root = sync.OnceValues(findRoot)

func findRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		switch {
		case err == nil && strings.HasPrefix(string(mod), "module github.com/bpf2lskel/bpf2lskel\n"):
			return dir, nil
		case err != nil && !errors.Is(err, os.ErrNotExist):
			return "", err
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("neither the current directory nor a parent is a checkout of the project (without one, set $%s)", PrecompiledEnv)
		}
		dir = parent
	}
}

// sourceDir returns the directory of NAME.bpf.c files: the checkout's testdata, or the directory of
// precompiled objects, which also has copies of the sources.
func sourceDir() (string, error) {
	if dir := precompiled(); dir != "" {
		return dir, nil
	}
	root, err := Root()
	if err != nil {
		return "", err
	}
	return filepath.Join(root, "testdata"), nil
}
