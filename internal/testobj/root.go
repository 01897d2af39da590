package testobj

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// PrecompiledEnv names the environment variable with the directory of objects that were compiled
// elsewhere.
const PrecompiledEnv = "BPF2LSKEL_OBJECTS"

// precompiled is the directory of objects compiled elsewhere, or "".
func precompiled() string { return os.Getenv(PrecompiledEnv) }

// Root is the top of the checkout: the directory, here or above, that holds the project's go.mod.
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
			return "", fmt.Errorf("no checkout of the project here or above (set $%s where there is none)", PrecompiledEnv)
		}
		dir = parent
	}
}

// sourceDir is where NAME.bpf.c files are: the checkout's testdata, or the directory of precompiled
// objects, which holds copies of the sources too.
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
