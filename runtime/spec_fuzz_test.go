package runtime

import (
	"encoding/binary"
	"reflect"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// FuzzSpec damages a Spec, and reads it in all the ways that a load does, without a kernel. Each five bytes of changes are
// the place of a change and what comes there; blob is the blob; words are what the loader left in the slots.
func FuzzSpec(f *testing.F) {
	blob := fuzzBlob()
	f.Add([]byte{}, blob, []byte{}, false)
	f.Add([]byte{}, blob, []byte{0xff, 0xff, 0xff, 0xff}, true)
	f.Add([]byte{3, 200, 7, 1, 0, 90, 0, 0, 0, 0x80}, blob, []byte{}, false)
	f.Fuzz(func(t *testing.T, changes, blob, words []byte, signed bool) {
		spec := testSpec()
		spec.Blob = string(blob)
		spec.BTF.Data, spec.BTF.Size = fuzzBTF, uint32(max(0, len(blob)-fuzzBTF))
		if signed {
			spec.Signed = NewSignedSpec([SignedForms]SignedProgram{})
		}
		damage(spec, changes)
		if spec.check() != nil {
			return
		}
		readSpec(spec, words)
		for _, m := range spec.Maps {
			if m.ValueSize > 1<<20 {
				return // all of it would be compared
			}
		}
		s, err := Open(spec)
		if err != nil {
			t.Fatal(err)
		}
		for i := range spec.Maps {
			if p := (*byte)(s.Data(i)); p != nil {
				*p++
			}
		}
		_ = s.changed()
		s.Close()
	})
}

// readSpec does what a load and its failure do, but for system calls that change something.
func readSpec(spec *Spec, words []byte) {
	l := loading{Skeleton: newSkeleton(spec), spec: spec, opts: &LoadOptions{}, logStep: -1}
	mem := make([]uint64, (len(spec.Blob)+7)/8)
	l.loaderMap = &loaderMap{mem: unsafe.Slice((*byte)(unsafe.Pointer(&mem[0])), len(spec.Blob))}
	copy(l.mem, spec.Blob)
	_ = l.patch()
	copy(l.mem, words[:min(len(words), 4*spec.Slots)])
	l.quick = spec.Parts != nil
	if l.sharesCORE() {
		l.leaveToLoader()
		l.loaderCORE(&sys.ProgLoadAttr{})
		l.applyCORE()
	}
	for i, step := range spec.Steps {
		_, _, _ = spec.StepName(step), l.mayFail(step), l.errno(step)
		l.noteMissing(step)
		l.log = make([]byte, 64)
		l.logStep = i
		l.patchLog()
		l.requestLog()
		fail := &failure{l.failStep(i, unix.EINVAL), &l, &machine{hasModule: func(string) bool { return false }}}
		fail.Log = "0: (85) call unknown#195896080\ninvalid func unknown#195896080\n"
		fail.findReason()
		_ = fail.hint()
	}
	if n := len(spec.Steps); n > 0 {
		_ = l.without([]int{0, n - 1})
	}
	_, _ = l.check(), l.checkTargets()
	_, _ = l.changed(), l.readExterns()
	_ = spec.files()
}

// Where in testSpec's blob the fuzz test has BTF.
const fuzzBTF = 512

// fuzzBlob is a blob for testSpec, with BTF and a CO-RE record of its first program.
func fuzzBlob() []byte {
	spec := testSpec()
	blob := []byte(spec.Blob)[:fuzzBTF]
	p := spec.Programs[0]
	binary.NativeEndian.PutUint32(blob[uintptr(p.Attr)+unsafe.Offsetof(sys.ProgLoadAttr{}.CoreReloCnt):], 1)
	for i, word := range []uint32{0, 2, 13, 0} { // struct bpf_core_relo
		binary.NativeEndian.PutUint32(blob[int(p.CORERelos)+4*i:], word)
	}
	return append(blob, smallBTF("0:0")...)
}

// damage changes numbers and flags of a Spec, and cuts its strings.
func damage(spec *Spec, changes []byte) {
	var places []reflect.Value
	collectPlaces(reflect.ValueOf(spec).Elem(), &places)
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

// collectPlaces lists what of a Spec may be wrong.
func collectPlaces(v reflect.Value, out *[]reflect.Value) {
	switch {
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
