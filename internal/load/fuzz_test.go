package load

import (
	"encoding/binary"
	"reflect"
	"slices"
	"testing"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/spec/spectest"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// FuzzSpec damages a Spec and reads it in all the ways that a load does, without a kernel. Every
// five bytes of changes are the place of a change and its new value, blob is the blob, and words
// holds the slots as the loader would leave them.
func FuzzSpec(f *testing.F) {
	blob := []byte(spectest.New().Blob)
	f.Add([]byte{}, blob, []byte{}, false)
	f.Add([]byte{}, blob, []byte{0xff, 0xff, 0xff, 0xff}, true)
	f.Add([]byte{3, 200, 7, 1, 0, 90, 0, 0, 0, 0x80}, blob, []byte{}, false)
	f.Fuzz(func(t *testing.T, changes, blob, words []byte, signed bool) {
		s := spectest.New()
		s.Blob = string(blob)
		if signed {
			s.Signed = &spec.SignedSpec{}
		}
		damage(s, changes)
		features := AllFeatures()
		if features.Check(s) != nil {
			return
		}
		req := Request{Spec: s, Features: unsafe.Pointer(features)}
		for i := range s.Maps {
			if n := s.Maps[i].MappedSize(); n > 1<<20 {
				return // its whole memory would be compared
			} else if n > 0 {
				a := AreaOf(i, &s.Maps[i])
				memory := make([]uint64, a.Size/8)
				a.P = unsafe.Pointer(&memory[0])
				*(*byte)(a.P)++
				req.Areas = append(req.Areas, a)
			}
		}
		read(&req, words)
	})
}

// read does what a load and its error handling do, except for system calls that change something.
func read(req *Request, words []byte) {
	s := req.Spec
	e := engine{Loaded: Loaded{spec: s}, req: *req}
	mem := make([]uint64, (len(s.Blob)+7)/8)
	e.blob = &blobMap{mem: unsafe.Slice((*byte)(unsafe.Pointer(&mem[0])), len(s.Blob))}
	copy(e.blob.mem, s.Blob)
	_ = e.patch()
	copy(e.blob.mem, words[:min(len(words), 4*s.Slots)])
	if s.CORE.ValueCount > 0 {
		e.leaveToLoader()
		e.loaderCORE(&sys.ProgLoadAttr{})
		e.applyCORE()
	}
	for i := range s.Steps {
		step := &s.Steps[i]
		_, _, _ = s.StepName(*step), e.mayFail(i, step), e.errno(step)
		_ = e.failStep(i, 22).Operation()
		if step.Kind == spec.StepLoadProgram {
			_, _, _ = e.programAgain(i)
		}
		e.requestLog(i, &logBuffer{})
	}
	if n := len(s.Steps); n > 0 {
		_ = e.without(s.Loader, []int{0, n - 1})
	}
	_, _ = e.check(), spec.LacksTargets(s)
	_, _ = req.changed(), ReadExterns(&e.Loaded)
	_ = s.Files()
	for i := range s.Maps {
		_ = e.MapFD(i)
	}
	for i := range s.Programs {
		_ = e.ProgramFD(i)
	}
}

// damage changes numbers and flags of a Spec and truncates its strings.
func damage(s *spec.Spec, changes []byte) {
	var places []reflect.Value
	collectPlaces(reflect.ValueOf(s).Elem(), &places)
	for change := range slices.Chunk(changes, 5) {
		if len(change) < 5 {
			return
		}
		n := int64(int32(binary.LittleEndian.Uint32(change[1:])))
		switch v := places[int(change[0])%len(places)]; {
		case v.CanInt():
			v.SetInt(n)
		case v.CanUint():
			v.SetUint(uint64(n))
		case v.Kind() == reflect.Bool:
			v.SetBool(n&1 != 0)
		default:
			v.SetString(v.String()[:int(uint32(n))%(v.Len()+1)])
		}
	}
}

// collectPlaces lists the parts of a Spec that may be wrong. It omits Sums: what they cover always
// matches them.
func collectPlaces(v reflect.Value, out *[]reflect.Value) {
	switch {
	case v.Type() == reflect.TypeFor[spec.Sums]():
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			collectPlaces(v.Field(i), out)
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			collectPlaces(v.Index(i), out)
		}
	case v.CanInt(), v.CanUint(), v.Kind() == reflect.Bool, v.Kind() == reflect.String:
		*out = append(*out, v)
	}
}
