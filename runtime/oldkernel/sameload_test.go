//vmtest:all,5.10

package oldkernel_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/sameload"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testfs"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"github.com/bpf2lskel/bpf2lskel/loader"
	"github.com/bpf2lskel/bpf2lskel/runtime"
	"github.com/bpf2lskel/bpf2lskel/runtime/oldkernel"
)

// For all objects in testdata, a load without a loader program is the same as libbpf's, as the
// kernel sees it, and the kernel refuses both alike.
func TestSameLoadInterpreted(t *testing.T) {
	var same, refused, ours, neither int
	for _, name := range append(testobj.All(t), "structops/congestion", "structops/shared_old") {
		t.Run(name, func(t *testing.T) {
			path := testobj.Compile(t, name, testobj.Options{})
			ref, refusal, err := sameload.Reference(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			spec, err := loader.ReadFile(path, loader.Options{})
			if err != nil {
				t.Fatal(err)
			}
			opts := &runtime.LoadOptions{Fallback: oldkernel.Always}
			if spec.PinsByName() {
				opts.Pins = &runtime.PinOptions{Path: testfs.BPF(t)}
			}
			s, err := runtime.Load(spec, opts)
			if err == nil {
				defer s.Close()
				if !s.Interpreted() {
					t.Error("the load reports that a loader program has run")
				}
			}
			switch {
			case err == nil && refusal != nil && refusal.Errno == 0:
				ours++
				t.Logf("libbpf cannot load it: %v", refusal)
			case err == nil && refusal != nil:
				t.Errorf("the kernel refuses libbpf with %v, but not us: %v", refusal.Errno, refusal)
			case err != nil && refusal == nil:
				t.Errorf("libbpf loads it, but we do not: %+v", err)
			case err != nil && refusal.Errno == 0, errors.Is(err, sys.ENOTSUPP):
				neither++
				t.Logf("libbpf does not know it: %v; the kernel: %v", refusal, err)
			case err != nil:
				refused++
				// On s390x neither the function that sec_fentry names, which is for amd64, nor a
				// JIT exists. Which is missed first differs.
				if !errors.Is(err, refusal.Errno) && (guest.Key() != "6.12-s390x" || name != "sec_fentry") {
					t.Errorf("libbpf is refused with %v, we with: %v", refusal.Errno, err)
				}
			default:
				same++
				maps, programs := fdsByName(s)
				view, err := sameload.Describe(maps, programs)
				if err != nil {
					t.Fatal(err)
				}
				sameload.LikeOldLibbpf(ref, view, spec)
				if guest.In() && strings.HasPrefix(name, "kconfig") {
					// LINUX_KERNEL_VERSION on Debian's kernels: 5.10.223, for example, where this
					// libbpf reads 5.10.0 from uname -r. Other tests check the values.
					kconfig := view.Maps[".kconfig"]
					kconfig.Contents = ref.Maps[".kconfig"].Contents
					view.Maps[".kconfig"] = kconfig
				}
				if guest.Key() == "5.10" && name == "map_array" {
					// For a section without variables, libbpf drops all of its BTF
					// (btf_datasec_check_meta), and we only the section.
					for name, p := range view.Programs {
						p.HasBTF, p.Funcs, p.Lines = false, nil, nil
						view.Programs[name] = p
					}
					for name, m := range view.Maps {
						m.Key, m.Value = ref.Maps[name].Key, ref.Maps[name].Value
						view.Maps[name] = m
					}
				}
				if diff := sameload.Diff(ref, view); diff != "" {
					t.Errorf("the loads differ (-libbpf +ours):\n%s", diff)
				}
			}
		})
	}
	t.Logf("%d the same load, %d refused alike by the kernel, %d that only we load, %d that libbpf does not know and the kernel refuses",
		same, refused, ours, neither)
}

// fdsByName returns the maps and programs that a load created.
func fdsByName(s *runtime.Skeleton) (maps, programs map[string]int) {
	maps, programs = make(map[string]int), make(map[string]int)
	for i := range s.Spec().Maps {
		maps[s.Map(i).Name()] = s.Map(i).FD()
	}
	for i := range s.Spec().Programs {
		if p := s.Program(i); p.FD() >= 0 {
			programs[p.Name()] = p.FD()
		}
	}
	return maps, programs
}
