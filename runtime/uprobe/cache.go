package uprobe

import (
	"bytes"
	"encoding/binary"
	"os"
)

// cacheEntry is a library in the cache: libc.so.6, /lib/x86_64-linux-gnu/libc.so.6.
type cacheEntry struct{ name, path string }

// The format of the file that ldconfig writes (glibc's sysdeps/generic/dl-cache.h): a header of 48
// bytes with the number of entries, then entries of 24 bytes with the offsets of two strings,
// relative to the header. A cache in libc5's format may precede it.
const (
	oldMagic      = "ld.so-1.7.0"
	oldHeader     = 16
	oldEntrySize  = 12
	newMagic      = "glibc-ld.so.cache1.1"
	newHeader     = 48
	newEntrySize  = 24
	cacheSizeMost = 64 << 20
)

// readCache reads the cache. It returns nil if there is no valid one.
func readCache(file string) []cacheEntry {
	if info, err := os.Stat(file); err != nil || info.Size() > cacheSizeMost {
		return nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	return parseCache(raw)
}

func parseCache(raw []byte) []cacheEntry {
	order := binary.NativeEndian
	if bytes.HasPrefix(raw, []byte(oldMagic)) {
		if len(raw) < oldHeader {
			return nil
		}
		end := oldHeader + uint64(order.Uint32(raw[12:]))*oldEntrySize
		end = (end + 7) &^ 7
		if end > uint64(len(raw)) {
			return nil
		}
		raw = raw[end:]
	}
	if !bytes.HasPrefix(raw, []byte(newMagic)) || len(raw) < newHeader {
		return nil
	}
	text := func(off uint32) (string, bool) {
		if uint64(off) >= uint64(len(raw)) {
			return "", false
		}
		end := bytes.IndexByte(raw[off:], 0)
		if end < 0 {
			return "", false
		}
		return string(raw[off:][:end]), true
	}
	var list []cacheEntry
	n := uint64(order.Uint32(raw[len(newMagic):]))
	for at := uint64(newHeader); n > 0 && at+newEntrySize <= uint64(len(raw)); n, at = n-1, at+newEntrySize {
		name, ok := text(order.Uint32(raw[at+4:]))
		path, ok2 := text(order.Uint32(raw[at+8:]))
		if ok && ok2 {
			list = append(list, cacheEntry{name, path})
		}
	}
	return list
}
