package load

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// KconfigSource is a kernel configuration that the caller provides. It can be used for any number
// of loads, also concurrently.
type KconfigSource struct {
	_ incomparable

	// read returns the configuration, and its name in errors.
	read func() (name, text string, err error)
}

// KconfigFile returns the configuration in a file. Each load that needs it reads the file.
func KconfigFile(path string) *KconfigSource {
	return &KconfigSource{read: func() (string, string, error) {
		text, err := readKconfigFile(path)
		return path, text, err
	}}
}

// KconfigReader returns the configuration from a reader. The first load that needs it reads r to
// its end.
func KconfigReader(r io.Reader) *KconfigSource {
	read := sync.OnceValues(func() (string, error) {
		if r == nil {
			return "", errors.New("the reader is nil")
		}
		return kconfigText(r)
	})
	return &KconfigSource{read: func() (string, string, error) {
		text, err := read()
		return "LoadOptions.Kconfig", text, err
	}}
}

// maxKconfig is the size of the largest configuration that is read, in bytes. A kernel's
// configuration is 300 KB long.
const maxKconfig = 16 << 20

// withoutPath returns the error inside a path error, for messages that name the file elsewhere.
func withoutPath(err error) error {
	if p, ok := err.(*fs.PathError); ok {
		return p.Err
	}
	return err
}

func readKconfigFile(path string) (string, error) {
	fd, err := sys.Open(path)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	return kconfigText(fdReader(fd))
}

// kconfigText reads a configuration to its end, and decompresses it if it is compressed.
func kconfigText(r io.Reader) (string, error) {
	text, err := readAtMost(r, maxKconfig)
	if err != nil || !bytes.HasPrefix(text, []byte{0x1f, 0x8b}) {
		return string(text), err
	}
	if sys.Gunzip == nil {
		return "", errors.New("compressed: import package runtime/impl/gunzip")
	}
	if r, err = sys.Gunzip(bytes.NewReader(text)); err == nil {
		text, err = readAtMost(r, maxKconfig)
	}
	return string(text), err
}

func readAtMost(r io.Reader, most int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("larger than %d MiB", most>>20)
	}
	return text, err
}

// fdReader reads from a file descriptor, without Go's poller as [sys.ReadFile] does.
type fdReader int

func (fd fdReader) Read(p []byte) (int, error) {
	for {
		n, err := unix.Read(int(fd), p)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, err
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}
