// Package gunzip is for generated code only, which imports it for objects with __kconfig variables
// whose names begin with CONFIG_: it lets a load read /proc/config.gz.
package gunzip

import _ "github.com/bpf2lskel/bpf2lskel/internal/sys/gunzip" // the decompressor
