package load

import (
	"encoding/binary"
	"runtime"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/kernelbtf"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// CompatibleBTF compares the fields that the kernel manages, such as a struct bpf_spin_lock, in the
// values of an existing map and of the object's map. Their kinds and offsets must be the same.
// Other fields are ignored. If the caller may not read the BTF, which requires CAP_SYS_ADMIN, the
// check is left to the verifier.
func CompatibleBTF(s *spec.Spec, i int, info *sys.MapInfo) *IncompatibleMapError {
	m := &s.Maps[i]
	const at = unsafe.Offsetof(sys.MapCreateAttr{}.BtfValueTypeId)
	var want []kernelbtf.SpecialField
	if uintptr(m.AttrSize) >= at+4 && s.BTF.Attr != 0 {
		id := binary.NativeEndian.Uint32([]byte(s.Blob[m.Attr+spec.BlobOff(at):][:4]))
		if id != 0 {
			want, _ = kernelbtf.SpecialFields([]byte(s.Blob[s.BTF.Data:][:s.BTF.Size]), id) // package loader has written this BTF
		}
	}
	have, ok := managedFields(info)
	if !ok {
		return nil
	}
	return compareFields(m.Name, have, want)
}

// managedFields returns the fields of an existing map's values that the kernel manages. ok is false
// if the caller may not read the BTF.
func managedFields(info *sys.MapInfo) (fields []kernelbtf.SpecialField, ok bool) {
	if info.BtfId == 0 || info.BtfValueTypeId == 0 {
		return nil, true
	}
	raw, err := rawBTF(info.BtfId)
	if err != nil {
		return nil, false
	}
	fields, err = kernelbtf.SpecialFields(raw, info.BtfValueTypeId)
	return fields, err == nil
}

// compareFields returns the first difference between two lists of fields, or nil.
func compareFields(name string, have, want []kernelbtf.SpecialField) *IncompatibleMapError {
	count := func(fields []kernelbtf.SpecialField, name string) (n uint64) {
		for _, f := range fields {
			if f.Name == name {
				n++
			}
		}
		return n
	}
	for _, fields := range [][]kernelbtf.SpecialField{want, have} {
		for _, f := range fields {
			if h, w := count(have, f.Name), count(want, f.Name); h != w {
				return &IncompatibleMapError{Map: name, Field: "number of " + f.Name + " fields", Have: h, Want: w}
			}
		}
	}
	for j := range want { // both lists are sorted and equally long
		if want[j].Offset != have[j].Offset {
			return &IncompatibleMapError{Map: name, Field: "offset of " + want[j].Name, Have: uint64(have[j].Offset), Want: uint64(want[j].Offset)}
		}
	}
	return nil
}

// rawBTF reads the BTF with the given ID.
func rawBTF(id uint32) ([]byte, error) {
	fd, errno := sys.GetFdByID(sys.CmdBtfGetFdByID, id)
	if errno != 0 {
		return nil, errno
	}
	defer unix.Close(fd)
	info := new(sys.BtfInfo)
	if errno := sys.ObjInfo(fd, unsafe.Pointer(info), unsafe.Sizeof(*info)); errno != 0 {
		return nil, errno
	}
	raw := make([]byte, info.BtfSize)
	*info = sys.BtfInfo{Btf: sys.Addr(unsafe.Pointer(unsafe.SliceData(raw))), BtfSize: uint32(len(raw))}
	errno = sys.ObjInfo(fd, unsafe.Pointer(info), unsafe.Sizeof(*info))
	runtime.KeepAlive(raw)
	if errno != 0 {
		return nil, errno
	}
	return raw, nil
}
