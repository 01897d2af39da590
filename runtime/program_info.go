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

// ProgramInfo is what the kernel says of a program.
type ProgramInfo struct {
	ID   uint32
	Type uint32 // enum bpf_prog_type
	// Name is the first 15 bytes of the program's.
	Name string
	// Tag is a hash of the instructions.
	Tag [8]byte
	// LoadTime is when it was loaded, since the machine was booted.
	LoadTime time.Duration
	UID      uint32 // of the user that has loaded it
	BTFID    uint32 // of the BTF that it was loaded with, 0 for none
	MapIDs   []uint32
	// TranslatedSize and JITSize are how many bytes its instructions take, and those of the
	// machine.
	TranslatedSize, JITSize uint32
	// VerifiedInsns is how many instructions the verifier has walked (5.16).
	VerifiedInsns uint32
	// AttachBTFObject and AttachBTFID are the BTF and the type in it that it was loaded for (6.0).
	AttachBTFObject, AttachBTFID uint32

	ProgramStats
}

// ProgramStats is what the kernel has counted of a program's runs.
type ProgramStats struct {
	// RunTime and RunCount are counted only while somebody has called [EnableStats], or the sysctl
	// kernel.bpf_stats_enabled is 1.
	RunTime  time.Duration
	RunCount uint64
	// RecursionMisses is how often it was not run because it, or another one at the same place, was
	// running on that CPU (5.12).
	RecursionMisses uint64
}

// ID returns the number by which the kernel knows the program.
func (p *Program) ID() (uint32, error) {
	info, err := p.info(nil)
	if err != nil {
		return 0, err
	}
	return info.Id, nil
}

// Stats returns what the kernel has counted of the program's runs.
func (p *Program) Stats() (ProgramStats, error) {
	info, err := p.info(nil)
	if err != nil {
		return ProgramStats{}, err
	}
	return statsOf(info), nil
}

// Info returns what the kernel says of the program.
func (p *Program) Info() (ProgramInfo, error) {
	info, err := p.info(nil)
	if err != nil {
		return ProgramInfo{}, err
	}
	maps := make([]uint32, info.NrMapIds)
	if len(maps) > 0 { // a program's maps do not change, but that some can be bound to it
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

// info asks the kernel, with room for the IDs of maps.
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

// EnableStats has the kernel measure the runs of all programs of the machine, from now on until
// what it returns is closed (5.8). That costs each run some ten nanoseconds. It takes
// CAP_SYS_ADMIN. See [Program.Stats].
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

// Close ends the measuring, unless another one is open. Closing twice is fine.
func (s *stats) Close() error {
	s.fd.close()
	return nil
}

// MapInfo is what the kernel says of a map.
type MapInfo struct {
	ID         uint32
	Type       uint32 // enum bpf_map_type
	Name       string // the first 15 bytes of the map's
	KeySize    uint32 // bytes
	ValueSize  uint32 // bytes
	MaxEntries uint32
	Flags      uint32
	Extra      uint64
	BTFID      uint32 // of the BTF with its types, 0 for none
}

// Info returns what the kernel says of the map.
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
