package runtime

import (
	"io"
	"os"
	"runtime"
	"time"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// ProgramInfo is the kernel's information about a program.
type ProgramInfo struct {
	ID   uint32
	Type uint32 // enum bpf_prog_type
	// Name is the program's name, truncated to 15 bytes.
	Name string
	// Tag is a hash of the instructions.
	Tag [8]byte
	// LoadTime is when the program was loaded, as time since boot.
	LoadTime time.Duration
	UID      uint32 // user that loaded the program
	BTFID    uint32 // BTF that the program was loaded with, or 0
	MapIDs   []uint32
	// TranslatedSize and JITSize are the sizes in bytes of its BPF instructions and of its machine
	// code.
	TranslatedSize, JITSize uint32
	// VerifiedInsns is the number of instructions that the verifier processed (5.16).
	VerifiedInsns uint32
	// AttachBTFObject and AttachBTFID are the BTF, and the type in it, that the program was loaded
	// for (6.0).
	AttachBTFObject, AttachBTFID uint32

	ProgramStats
}

// ProgramStats are the kernel's statistics about a program's runs.
type ProgramStats struct {
	// RunTime and RunCount are updated only while statistics are enabled, by [EnableStats] or the
	// sysctl kernel.bpf_stats_enabled.
	RunTime  time.Duration
	RunCount uint64
	// RecursionMisses is how often the program was not run because it, or another program at the
	// same place, was already running on that CPU (5.12).
	RecursionMisses uint64
}

// ID returns the program's kernel ID.
func (p *Program) ID() (uint32, error) {
	info, err := p.info(nil)
	if err != nil {
		return 0, err
	}
	return info.Id, nil
}

// Stats returns the kernel's statistics about the program's runs.
func (p *Program) Stats() (ProgramStats, error) {
	info, err := p.info(nil)
	if err != nil {
		return ProgramStats{}, err
	}
	return statsOf(info), nil
}

// Info returns the kernel's information about the program.
func (p *Program) Info() (ProgramInfo, error) {
	info, err := p.info(nil)
	if err != nil {
		return ProgramInfo{}, err
	}
	maps := make([]uint32, info.NrMapIds)
	if len(maps) > 0 { // a program's maps do not change, except that more can be bound to it
		if info, err = p.info(maps); err != nil {
			return ProgramInfo{}, err
		}
	}
	return ProgramInfo{
		ID: info.Id, Type: info.Type, Name: unix.ByteSliceToString(info.Name[:]), Tag: info.Tag,
		LoadTime: time.Duration(info.LoadTime), UID: info.CreatedByUid, BTFID: info.BtfId, MapIDs: maps[:min(len(maps), int(info.NrMapIds))],
		TranslatedSize: info.XlatedProgLen, JITSize: info.JitedProgLen, VerifiedInsns: info.VerifiedInsns,
		AttachBTFObject: info.AttachBtfObjId, AttachBTFID: info.AttachBtfId, ProgramStats: statsOf(info),
	}, nil
}

func statsOf(info *sys.ProgInfo) ProgramStats {
	return ProgramStats{time.Duration(info.RunTimeNs), info.RunCnt, info.RecursionMisses}
}

// info gets the information from the kernel, with room for the IDs of maps.
func (p *Program) info(maps []uint32) (*sys.ProgInfo, error) {
	num, err := p.acquire("info")
	if err != nil {
		return nil, err
	}
	defer p.fd.release()
	info := new(sys.ProgInfo)
	if len(maps) > 0 {
		info.NrMapIds, info.MapIds = uint32(len(maps)), sys.Addr(unsafe.Pointer(&maps[0]))
	}
	errno := sys.ObjInfo(num, unsafe.Pointer(info), unsafe.Sizeof(*info))
	runtime.KeepAlive(maps)
	if errno != 0 {
		return nil, p.fail("info", errno)
	}
	return info, nil
}

// EnableStats makes the kernel measure the runs of all programs on the machine until the returned
// Closer is closed (5.8). Each run costs about ten nanoseconds more. It requires CAP_SYS_ADMIN. See
// [Program.Stats].
func EnableStats() (io.Closer, error) {
	attr := sys.EnableStatsAttr{} // BPF_STATS_RUN_TIME
	num, errno := sys.BPF(sys.CmdEnableStats, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	if errno != 0 {
		return nil, os.NewSyscallError("enable BPF statistics", errno)
	}
	s := new(stats)
	s.fd.set(num)
	return s, nil
}

type stats struct{ fd fd }

// Close stops measuring, unless statistics are enabled elsewhere too. Closing twice is fine.
func (s *stats) Close() error {
	s.fd.close()
	return nil
}

// MapInfo is the kernel's information about a map.
type MapInfo struct {
	ID         uint32
	Type       uint32 // enum bpf_map_type
	Name       string // truncated to 15 bytes
	KeySize    uint32 // bytes
	ValueSize  uint32 // bytes
	MaxEntries uint32
	Flags      uint32
	Extra      uint64
	BTFID      uint32 // BTF with its types, or 0
}

// Info returns the kernel's information about the map.
func (m *Map) Info() (MapInfo, error) {
	num, err := m.file().acquire()
	if err != nil {
		return MapInfo{}, m.wrap("info", err)
	}
	defer m.fd.release()
	info := new(sys.MapInfo)
	if errno := sys.ObjInfo(num, unsafe.Pointer(info), unsafe.Sizeof(*info)); errno != 0 {
		return MapInfo{}, newMapError(m.spec().Name, "info", errno)
	}
	return MapInfo{
		ID: info.Id, Type: info.Type, Name: unix.ByteSliceToString(info.Name[:]), KeySize: info.KeySize, ValueSize: info.ValueSize,
		MaxEntries: info.MaxEntries, Flags: info.MapFlags, Extra: info.MapExtra, BTFID: info.BtfId,
	}, nil
}
