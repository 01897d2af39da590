//vmtest:all

package loader_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
)

// peerRefuses are objects in testdata/peer that cilium/ebpf reads but does not load unchanged, and
// its error for each.
var peerRefuses = map[string]string{
	"peer/pinning":    "pin type 100: not supported",  // the user has to remove it first
	"peer/inner_maps": "rings: inner map: map create", // it adjusts only the sizes of perf event arrays
	"peer/records":    "from_user: map create",        // it requires a value size for user ring buffers
}

// Objects that cilium/ebpf loads and libbpf does not, load here with the same maps and programs.
func TestLoadsWhatCiliumLoads(t *testing.T) {
	for _, name := range testobj.Peer(t) {
		t.Run(strings.TrimPrefix(name, "peer/"), func(t *testing.T) {
			path := testobj.Compile(t, name, testobj.Options{})
			theirs, refusal := loadByCilium(path)
			if theirs != nil {
				defer theirs.Close()
			}
			s, err := load(t, path)
			if name == "peer/arena_pointer" && // no arenas, or none on a processor without CMPXCHG16B
				(errors.Is(err, unix.EINVAL) && errors.Is(refusal, unix.EINVAL) || errors.Is(err, unix.ENOMEM) && errors.Is(refusal, unix.ENOMEM)) {
				t.Skipf("not on this kernel: arenas: %v", err)
			}
			if errors.Is(err, sys.ENOTSUPP) && refusal != nil && name == "peer/inner_maps" {
				t.Skipf("not on this kernel: inner maps with locks: %v", err)
			}
			if err != nil {
				t.Fatalf("%+v (cilium/ebpf: %v)", err, refusal)
			}
			defer s.Close()
			switch why := peerRefuses[name]; {
			case why != "" && (refusal == nil || !strings.Contains(refusal.Error(), why)):
				t.Fatalf("cilium/ebpf: %v, want %q", refusal, why)
			case why != "":
				return
			case refusal != nil:
				t.Fatalf("cilium/ebpf: %v", refusal)
			}
			maps, programs := fdsByName(s)
			ours := map[string]string{}
			for name, fd := range maps {
				m, err := ebpf.NewMapFromFD(dup(t, fd))
				if err != nil {
					t.Fatal(err)
				}
				defer m.Close()
				ours["map "+name] = describeMap(m)
			}
			for name, fd := range programs {
				p, err := ebpf.NewProgramFromFD(dup(t, fd))
				if err != nil {
					t.Fatal(err)
				}
				defer p.Close()
				ours["program "+name] = p.Type().String()
			}
			want := map[string]string{}
			for name, m := range theirs.Maps {
				want["map "+name] = describeMap(m)
			}
			for name, p := range theirs.Programs {
				want["program "+name] = p.Type().String()
			}
			delete(want, "program helper") // a static function: a subprogram here
			if diff := cmp.Diff(want, ours); diff != "" {
				t.Errorf("the loads differ (-cilium/ebpf +ours):\n%s", diff)
			}
		})
	}
}

// describeMap describes a map without BPF_F_MMAPABLE, which only one side sets for global data.
func describeMap(m *ebpf.Map) string {
	return fmt.Sprintf("%v %d %d %d %#x", m.Type(), m.KeySize(), m.ValueSize(), m.MaxEntries(), m.Flags()&^unix.BPF_F_MMAPABLE)
}

func dup(t *testing.T, fd int) int {
	num, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		t.Fatal(err)
	}
	return num
}

func loadByCilium(path string) (*ebpf.Collection, error) {
	spec, err := ebpf.LoadCollectionSpec(path)
	if err != nil {
		return nil, err
	}
	return ebpf.NewCollection(spec)
}
