package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/cavaliergopher/cpio"
	"github.com/google/go-cmp/cmp"
)

func TestInitramfs(t *testing.T) {
	from := t.TempDir()
	if err := os.MkdirAll(filepath.Join(from, "deep"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(from, "deep", "file"), []byte("deep"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("file", filepath.Join(from, "deep", "link")); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "initramfs.cpio")
	fs, err := createInitramfs(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, write := range []func() error{
		func() error { return fs.write("/init", 0o755, []byte("#!/bin/sh\n")) },
		func() error { return fs.symlink("bin/sh", "busybox") },
		func() error { return fs.write("bin/busybox", 0o755, nil) },
		func() error { return fs.copyTree("src/testdata", from) },
		func() error { return fs.copyTree("src/nothing", filepath.Join(from, "nothing")) },
		fs.Close,
	} {
		if err := write(); err != nil {
			t.Fatal(err)
		}
	}

	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var got []string
	for r := cpio.NewReader(f); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		contents, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		// The reader returns a link's contents as its Linkname.
		got = append(got, fmt.Sprintf("%o %s %s%s", h.Mode, h.Name, contents, h.Linkname))
	}
	want := []string{
		"100755 init #!/bin/sh\n",
		"40755 bin ",
		"120777 bin/sh busybox",
		"100755 bin/busybox ",
		"40755 src ",
		"40755 src/testdata ",
		"40755 src/testdata/deep ",
		"100600 src/testdata/deep/file deep",
		"120777 src/testdata/deep/link file",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
