package runtime

import (
	"io"

	"github.com/bpf2lskel/bpf2lskel/internal/load"
)

// KconfigSource is a kernel configuration for [LoadOptions].Kconfig, in the format of
// /proc/config.gz, compressed by gzip or not. Of several lines for a name the first counts, and
// lines that do not begin with CONFIG_ do not:
//
//	CONFIG_HZ=250
//
// It can be used for any number of loads, at the same time too.
type KconfigSource = load.KconfigSource

// KconfigFile returns a configuration that is in a file. Each load that needs it reads the file.
func KconfigFile(path string) *KconfigSource { return load.KconfigFile(path) }

// KconfigReader returns a configuration that comes from a reader. The first load that needs it
// reads it to its end, and later ones have what that one has read.
func KconfigReader(r io.Reader) *KconfigSource { return load.KconfigReader(r) }

// KconfigError is why a load has failed because of a __kconfig variable: it has no value and is not
// weak, or it has one that its type does not take. It names the variable, and what was read.
// errors.As finds it in a [LoadError].
type KconfigError = load.KconfigError
