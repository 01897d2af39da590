//vmtest:6.1,6.12,6.18,7.2,7.x

package loader_test

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/sameload"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// struct_ops objects are the same load as libbpf's, and objects that libbpf refuses are refused.
// Debian 12's bpftool does not support all of them: flavors, links, and members that the kernel
// does not have.
func TestSameLoadOfStructOps(t *testing.T) {
	var paths []string
	for _, name := range testobj.StructOps(t) {
		if _, unknown := newInStructOps[strings.TrimPrefix(name, "structops/")]; !unknown {
			paths = append(paths, testobj.Compile(t, name, testobj.Options{}))
		}
	}
	compareAll(t, paths)
}

// newInStructOps are objects that use features unknown to Debian 12's libbpf 1.1, and the
// difference of their map flags to the equivalent objects for it.
var newInStructOps = map[string]uint32{"flavor": 0, "link": sys.FlagLink, "missing_zero": 0, "shared": 0}

// Features unknown to libbpf 1.1 give the same load as their equivalents.
func TestNewStructOpsAreTheSameLoad(t *testing.T) {
	view := func(t *testing.T, name string) sameload.View {
		s, err := load(t, testobj.Compile(t, "structops/"+name, testobj.Options{}))
		if sys.KernelVersion().Before(sys.Version{6, 4}) && name == "link" {
			if !errors.Is(err, unix.EINVAL) {
				t.Errorf("links to struct_ops before 6.4: %v", err)
			}
			guest.NotHere(t, "links to structs of operations: since 6.4, and it says: %v", err)
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		defer s.Close()
		v := describe(t, s)
		for i := range v.Programs {
			p := v.Programs[i]
			p.Lines = nil // the sources include each other
			v.Programs[i] = p
		}
		return v
	}
	for name, flags := range newInStructOps {
		t.Run(name, func(t *testing.T) {
			now, old := view(t, name), view(t, name+"_old")
			for i := range old.Maps {
				m := old.Maps[i]
				m.Flags |= flags
				old.Maps[i] = m
			}
			if diff := sameload.Diff(old, now); diff != "" {
				t.Errorf("the loads differ (-known to libbpf 1.1 +ours):\n%s", diff)
			}
		})
	}
}

// Errors name the struct and the member that the kernel lacks or declares differently.
func TestStructOpsErrors(t *testing.T) {
	for _, tt := range []struct {
		object string
		errno  unix.Errno
		says   []string
	}{
		{"missing_data", unix.EOPNOTSUPP, []string{"create map bpf2lskel_warp", "struct tcp_congestion_ops has no member warp_factor, which is not zero"}},
		{"missing_function", unix.EOPNOTSUPP, []string{"create map bpf2lskel_warp", "struct tcp_congestion_ops has no member engage, which is program engage"}},
		{"other_size", unix.EOPNOTSUPP, []string{"struct tcp_congestion_ops member name has 8 bytes, but 16 in this kernel"}},
		{"other_kind", unix.EOPNOTSUPP, []string{"struct tcp_congestion_ops member flags is of another kind"}},
		{"conflict", unix.EINVAL, []string{"struct tcp_congestion_ops member init: program both is already another member"}},
		{"unknown", unix.ENOENT, []string{"create map drive", "no struct warp_drive_ops"}},
		{"unused", sys.ENOTSUPP, []string{"load program forgotten", "it is not a member of any struct_ops"}},
	} {
		t.Run(tt.object, func(t *testing.T) {
			s, err := load(t, testobj.Compile(t, "structops/"+tt.object, testobj.Options{}))
			if err == nil {
				s.Close()
				t.Fatal("the load succeeded")
			}
			var loadError *runtime.LoadError
			if !errors.As(err, &loadError) || loadError.Hint == "" || loadError.Step < 0 {
				t.Errorf("no LoadError with a step and a hint: %#v", err)
			}
			if !errors.Is(err, tt.errno) {
				t.Errorf("want %v", tt.errno)
			}
			for _, text := range tt.says {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("missing %q", text)
				}
			}
			t.Log(err)
		})
	}
}
