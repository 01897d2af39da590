// Package gunzip lets [sys.Gunzip] read /proc/config.gz, for objects with __kconfig variables whose
// names begin with CONFIG_. Whoever imports it needs nothing else of it.
//
// It is a package of its own because the decompressor, once imported, is in a binary whether it is
// called or not: 28 KB.
package gunzip

import (
	"compress/gzip"
	"io"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

func init() {
	sys.Gunzip = func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }
}
