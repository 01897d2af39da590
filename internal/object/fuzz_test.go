package object

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// Limits for one file.
const (
	fuzzAlloc = 256 << 20 // bytes
	fuzzTime  = 20 * time.Second
)

// FuzzParse claims that no file makes Parse panic, hang or allocate without bounds, that an error
// is one line, and that the result is consistent.
func FuzzParse(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		before, start := allocated(), time.Now()
		obj, err := Parse("fuzz", data)
		if n := allocated() - before; n > fuzzAlloc {
			t.Errorf("%d bytes of file: allocated %d", len(data), n)
		}
		if d := time.Since(start); d > fuzzTime {
			t.Errorf("%d bytes of file: took %v", len(data), d)
		}
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r") {
				t.Errorf("an error of several lines: %q", err)
			}
			return
		}
		checkObject(t, obj)
	})
}

func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// checkObject checks what users of an Object rely on.
func checkObject(t *testing.T, obj *Object) {
	t.Helper()
	for _, m := range obj.Maps {
		size := m.ValueSize
		if arena := ebpf.MapType(m.Type) == ebpf.Arena; arena && m.Data != nil {
			size = uint32(len(m.Data))
		} else if (m.Data == nil) != (m.Kind == NoData || m.Kind == BSS) {
			t.Errorf("map %q of kind %d: data %v", m.Name, m.Kind, m.Data != nil)
		}
		if m.Data != nil && len(m.Data) != int(size) {
			t.Errorf("map %q: %d bytes of data, value size %d", m.Name, len(m.Data), m.ValueSize)
		}
		if len(m.KernelName) > 15 {
			t.Errorf("map %q: kernel name %q", m.Name, m.KernelName)
		}
		for _, v := range m.Vars {
			if uint64(v.Offset)+uint64(v.Size) > uint64(size) || v.Type == nil {
				t.Errorf("map %q: variable %+v", m.Name, v)
			}
		}
		for _, s := range m.Slots {
			if (s.Map == nil) == (s.Program == nil) {
				t.Errorf("map %q: slot %+v", m.Name, s)
			}
		}
	}
	names := make(map[string]bool)
	for _, p := range obj.Programs {
		if names[p.Name] {
			t.Errorf("program %q appears twice", p.Name)
		}
		names[p.Name] = true
		checkProgram(t, obj, p)
	}
}

func checkProgram(t *testing.T, obj *Object, p *Program) {
	t.Helper()
	for i, in := range p.Insns {
		if !in.IsLdImm64() || in.Src != sys.PseudoMapIdx && in.Src != sys.PseudoMapIdxValue {
			continue
		}
		// A file may contain such an instruction, which the kernel refuses.
		if i+1 == len(p.Insns) {
			t.Logf("program %q: instruction %d cut in half", p.Name, i)
		}
	}
	for _, r := range p.ExternRefs {
		in := p.Insns[r.Insn]
		if !in.IsCall() && !in.IsLdImm64() || in.IsLdImm64() && r.Insn+1 >= len(p.Insns) || obj.Externs[r.Extern] == nil {
			t.Errorf("program %q: extern at instruction %d", p.Name, r.Insn)
		}
	}
	within := func(what string, insn uint32) {
		if int64(insn) >= int64(len(p.Insns)) {
			t.Errorf("program %q: %s at instruction %d of %d", p.Name, what, insn, len(p.Insns))
		}
	}
	for _, i := range p.FuncInfos {
		within("function information", i.Insn)
	}
	for _, i := range p.LineInfos {
		within("line information", i.Insn)
	}
	for _, i := range p.CORERelos {
		within("CO-RE relocation", i.Insn)
	}
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		raw := EncodeInsns(p.Insns, order)
		for i, in := range p.Insns {
			if got := DecodeInsn(raw[i*InsnSize:], order); got != in {
				t.Fatalf("program %q: instruction %d: %+v turned into %+v", p.Name, i, in, got)
			}
		}
	}
}

// corpus returns a file of the fuzz test's corpus.
func corpus(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "fuzz", "FuzzParse", name))
	if err != nil {
		t.Fatal(err)
	}
	_, quoted, ok := strings.Cut(strings.TrimSpace(string(raw)), "\n[]byte(")
	data, err := strconv.Unquote(strings.TrimSuffix(quoted, ")"))
	if err != nil || !ok {
		t.Fatalf("%s: %v", name, err)
	}
	return []byte(data)
}

// TestParseOfMutatedObjects replaces numbers with likely wrong ones, which the fuzzer's blind
// mutations rarely do. It always does the same.
func TestParseOfMutatedObjects(t *testing.T) {
	const rounds = 150 // of each file
	likely := []uint32{0, 1, 2, 5, 8, 12, 16, 0xffff, 1 << 16, 1 << 24, 1<<31 - 1, 1 << 31, 1<<32 - 1}
	r := rand.New(rand.NewPCG(1, 2))
	for _, data := range corpusObjects(t) {
		if len(data) < 128 {
			continue
		}
		for range rounds {
			mutant := slices.Clone(data)
			for range 1 + r.IntN(3) {
				at := r.IntN(len(mutant)-4) &^ 3
				order := binary.ByteOrder(binary.LittleEndian)
				if mutant[5] == 2 {
					order = binary.BigEndian
				}
				v := likely[r.IntN(len(likely))]
				if r.IntN(2) == 0 {
					v = order.Uint32(mutant[at:]) + uint32(r.IntN(17)) - 8
				}
				order.PutUint32(mutant[at:], v)
			}
			if obj, err := Parse("mutant", mutant); err == nil {
				checkObject(t, obj)
			}
		}
	}
}
