package runtime

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// exists and readFile are os.Stat and os.ReadFile without os.FileInfo: that has a time.Time, whose
// methods for text, 50 KB, would then be in each binary.

func exists(path string) bool { return unix.Stat(path, new(unix.Stat_t)) == nil }

// readFile reads a file of /proc or /sys.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text := make([]byte, 0, 4096)
	for {
		n, err := f.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
		switch {
		case err == io.EOF:
			return text, nil
		case err != nil:
			return nil, err
		case len(text) == cap(text):
			text = append(text, make([]byte, cap(text))...)[:len(text)]
		}
	}
}
