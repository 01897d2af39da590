package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCacheKeepsOnlyCompleteDirectories(t *testing.T) {
	c := &cache{t.TempDir()}
	broken := errors.New("the mirror is down")
	if _, err := c.put("kernels/6.12", "6.12.90-1", func(dir string) error {
		return errors.Join(os.WriteFile(filepath.Join(dir, "half"), nil, 0o644), broken)
	}); !errors.Is(err, broken) {
		t.Fatalf("error %v", err)
	}
	if name, ok := c.newest("kernels/6.12"); ok {
		t.Errorf("%s is in the cache though it was not filled", name)
	}
	for _, version := range []string{"6.12.90-1", "6.12.107-1"} {
		calls := 0
		for range 2 {
			if _, err := c.put("kernels/6.12", version, func(string) error { calls++; return nil }); err != nil {
				t.Fatal(err)
			}
		}
		if calls != 1 {
			t.Errorf("%s was filled %d times", version, calls)
		}
	}

	dir, note, err := c.current("kernels/6.12", func() (string, error) { return "", broken })
	if err != nil || filepath.Base(dir) != "6.12.107-1" || !strings.Contains(note, broken.Error()) {
		t.Errorf("without a mirror: %q, %q, %v", dir, note, err)
	}
	if _, _, err := c.current("kernels/6.18", func() (string, error) { return "", broken }); !errors.Is(err, broken) {
		t.Errorf("with neither mirror nor cache: %v", err)
	}
}
