package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
)

// compressors are the compressions of Debian's kernels, by the magic that the data begins with.
var compressors = []struct{ magic, tool string }{
	{"\x02\x21\x4c\x18", "lz4"},
	{"\x28\xb5\x2f\xfd", "zstd"},
	{"\xfd7zXZ", "xz"},
}

// extractVmlinux writes the ELF file inside an x86 kernel image.
func extractVmlinux(vmlinuz, vmlinux string) error {
	raw, err := os.ReadFile(vmlinuz)
	if err != nil {
		return err
	}
	payload, err := bzImagePayload(raw)
	if err != nil {
		return err
	}
	for _, c := range compressors {
		if strings.HasPrefix(string(payload), c.magic) {
			elf, err := decompress(payload, c.tool)
			if err != nil {
				return err
			}
			return os.WriteFile(vmlinux, elf, 0o644)
		}
	}
	return fmt.Errorf("unknown compression: the data begins with % x", payload[:min(len(payload), 6)])
}

// bzImagePayload returns the compressed kernel in a bzImage. Its header is described in
// Documentation/arch/x86/boot.rst in the kernel's tree.
func bzImagePayload(raw []byte) ([]byte, error) {
	const (
		setupSects    = 0x1f1 // number of 512-byte sectors of set-up code, after the first one
		magic         = 0x202 // "HdrS"
		protocol      = 0x206 // version of the boot protocol
		payloadOffset = 0x248 // from the end of the set-up code, since protocol 2.08
		payloadLength = 0x24c
	)
	le := binary.LittleEndian
	if len(raw) < payloadLength+4 || string(raw[magic:magic+4]) != "HdrS" || le.Uint16(raw[protocol:]) < 0x208 {
		return nil, errors.New("not a bzImage")
	}
	start := (uint64(raw[setupSects])+1)*512 + uint64(le.Uint32(raw[payloadOffset:]))
	length := uint64(le.Uint32(raw[payloadLength:]))
	// The kernel's build appends the unpacked size, in 32 bits, to the output of these compressors.
	const size = 4
	if length < size || start+length > uint64(len(raw)) {
		return nil, errors.New("the bzImage's header points outside of the image")
	}
	return raw[start : start+length-size], nil
}
