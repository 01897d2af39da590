package runtime

import (
	"io"

	"github.com/bpf2lskel/bpf2lskel/internal/load"
)

// KconfigSource is a kernel configuration for [LoadOptions].Kconfig, in the format of
// /proc/config.gz, with or without gzip compression. If a name occurs more than once, the first
// line counts; lines that do not begin with CONFIG_ are ignored:
//
//	CONFIG_HZ=250
//
// It can be used for any number of loads, including concurrent ones.
type KconfigSource = load.KconfigSource

// KconfigFile returns the configuration in a file. Each load that needs it reads the file.
func KconfigFile(path string) *KconfigSource { return load.KconfigFile(path) }

// KconfigReader returns the configuration in r. The first load that needs it reads r to the end;
// later loads reuse the result.
func KconfigReader(r io.Reader) *KconfigSource { return load.KconfigReader(r) }

// KconfigError reports that a load failed because of a __kconfig variable: it has no value and is
// not weak, or its value does not fit its type. It names the variable and the value that was read.
// Use errors.As to find it in a [LoadError].
type KconfigError = load.KconfigError
