package runtime

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// exists and readFile are os.Stat and os.ReadFile without os.FileInfo: that has a time.Time, whose
// methods for text, 50 KB, would then be in each binary.

func exists(path string) bool { return unix.Access(path, unix.F_OK) == nil }

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
