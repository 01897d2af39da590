package sys

import (
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// MapInfo is struct bpf_map_info as of 6.1, without later fields.
type MapInfo struct {
	Type                  uint32
	Id                    uint32
	KeySize               uint32
	ValueSize             uint32
	MaxEntries            uint32
	MapFlags              uint32
	Name                  [16]byte
	Ifindex               uint32
	BtfVmlinuxValueTypeId uint32
	NetnsDev              uint64
	NetnsIno              uint64
	BtfId                 uint32
	BtfKeyTypeId          uint32
	BtfValueTypeId        uint32
	BtfVmlinuxId          uint32
	MapExtra              uint64
}

// MapInfoHash is struct bpf_map_info as of 6.18.
type MapInfoHash struct {
	MapInfo
	Hash     uint64
	HashSize uint32
	_        uint32
}

// MapInfoOf returns the kernel's information about a map.
func MapInfoOf(fd int) (MapInfo, unix.Errno) {
	info := new(MapInfo)
	errno := ObjInfo(fd, unsafe.Pointer(info), unsafe.Sizeof(*info))
	return *info, errno
}
