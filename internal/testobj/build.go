package testobj

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Compile returns the path of a compiled object. It fails the test if that is not available.
func Compile(t testing.TB, name string, opts Options) string {
	t.Helper()
	path, err := Build(context.Background(), name, opts)
	if err != nil {
		t.Fatalf("test object: %v", err)
	}
	return path
}

// Read returns the bytes of a compiled object.
func Read(t testing.TB, name string, opts Options) []byte {
	t.Helper()
	raw, err := os.ReadFile(Compile(t, name, opts))
	if err != nil {
		t.Fatalf("test object: %v", err)
	}
	return raw
}

// Build compiles an object, or finds it compiled, and returns its path. The error includes the
// compiler's output.
func Build(ctx context.Context, name string, opts Options) (string, error) {
	if dir := precompiled(); dir != "" {
		if !opts.isDefault() {
			return "", fmt.Errorf("%s: objects are precompiled ($%s), so only default options are available", name, PrecompiledEnv)
		}
		path := filepath.Join(dir, filepath.FromSlash(name)+".bpf.o")
		_, err := os.Stat(path)
		return path, err
	}

	if opts.CC == "" {
		cc, err := directive(name, "cc")
		if err != nil {
			return "", err
		}
		opts.CC = cc
	}
	opts = opts.withDefaults()
	root, err := Root()
	if err != nil {
		return "", err
	}
	key, err := cacheKey(root, name, opts)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "bpf2lskel", "objects", key)
	path := filepath.Join(dir, filepath.Base(name)+".bpf.o")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	return path, compileTo(ctx, path, root, name, opts)
}

// compileTo compiles to a temporary file and renames it, so that concurrent tests of several
// packages never see half of an object.
func compileTo(ctx context.Context, path, root, name string, opts Options) error {
	tmp, err := os.MkdirTemp(filepath.Dir(path), "tmp-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	obj := filepath.Join(tmp, filepath.Base(path))
	args := append(opts.args(root), "-c", "testdata/"+name+sourceSuffix, "-o", obj)
	cmd := exec.CommandContext(ctx, opts.CC, args...)
	// The compiler writes its working directory to the object.
	cmd.Dir = root
	if err := run(cmd); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if copying, err := directive(name, "objcopy"); err != nil {
		return err
	} else if copying != "" {
		args := append(strings.Fields(copying), obj)
		if err := run(exec.CommandContext(ctx, opts.tool("llvm-objcopy"), args...)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if opts.Strip {
		if err := run(exec.CommandContext(ctx, opts.tool("llvm-strip"), "-g", obj)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return os.Rename(obj, path)
}

// run runs a command. The error includes its output.
func run(cmd *exec.Cmd) error {
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	if errors.Is(err, exec.ErrNotFound) {
		return err
	}
	return fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, out)
}

// cacheKey hashes everything that determines the compiler's output, except for the system's
// headers.
func cacheKey(root, name string, opts Options) (string, error) {
	version, err := compilerVersion(opts.CC)
	if err != nil {
		return "", err
	}
	source, err := Source(name)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%q\n%v %v\n", version, opts.args(root), opts.Strip, opts.NoDebug)
	headers, err := filepath.Glob(filepath.Join(root, "testdata", "include", "*.h"))
	if err != nil {
		return "", err
	}
	for _, path := range append(headers, source) {
		raw, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %d\n", filepath.Base(path), len(raw))
		h.Write(raw)
	}
	return hex.EncodeToString(h.Sum(nil)[:12]), nil
}

var versions sync.Map // output of -v, by compiler

func compilerVersion(cc string) (string, error) {
	if v, ok := versions.Load(cc); ok {
		return v.(string), nil
	}
	out, err := exec.Command(cc, "--version").Output()
	if err != nil {
		return "", err
	}
	v, _, _ := strings.Cut(string(out), "\n")
	versions.Store(cc, v)
	return v, nil
}
