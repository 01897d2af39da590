// Package gunzip lets [sys.Gunzip] read /proc/config.gz, for objects with __kconfig variables whose
// names begin with CONFIG_. Importing it is enough.
//
// It is a separate package because importing the decompressor adds 28 KB to a binary, whether it is
// called or not.
package gunzip

import (
	"compress/gzip"
	"io"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

func init() {
	sys.Gunzip = func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }
}
