package sameload

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// strings is the string section of a BTF object, accessed by offset.
func (d *describer) strings(id uint32) (func(off uint32) string, error) {
	raw, err := rawBTF(id)
	if err != nil {
		return nil, fmt.Errorf("BTF %d: %w", id, err)
	}
	var hdr sys.BtfHeader
	if _, err := binary.Decode(raw, binary.NativeEndian, &hdr); err != nil {
		return nil, fmt.Errorf("BTF %d: %w", id, err)
	}
	section := raw[hdr.HdrLen+hdr.StrOff:][:hdr.StrLen]
	return func(off uint32) string {
		if int(off) >= len(section) {
			return fmt.Sprintf("no string at %d", off)
		}
		return cString(section[off:])
	}, nil
}

// rawBTF returns the bytes of a BTF object.
func rawBTF(id uint32) ([]byte, error) {
	fd, err := fdByID(sys.CmdBtfGetFdByID, id)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var sizes sys.BtfInfo
	if err := objInfo(fd, &sizes); err != nil {
		return nil, err
	}
	raw := make([]byte, sizes.BtfSize)
	info := sys.BtfInfo{Btf: sys.BytesAddr(raw), BtfSize: sizes.BtfSize}
	return raw, objInfo(fd, &info)
}
