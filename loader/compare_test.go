//vmtest:all

package loader_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sameload"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testfs"
	"github.com/bpf2lskel/bpf2lskel/loader"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// verdicts counts what came of the comparisons.
type verdicts struct{ same, refused, ours, neither int }

func compareAll(t *testing.T, paths []string) {
	var v verdicts
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".bpf.o"), func(t *testing.T) { compare(t, path, &v) })
	}
	t.Logf("%d objects: %d the same load, %d refused alike by the kernel, %d that only we load, %d that libbpf does not know and the kernel refuses",
		len(paths), v.same, v.refused, v.ours, v.neither)
}

func compare(t *testing.T, path string, v *verdicts) {
	ref, refusal, err := sameload.Reference(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := load(t, path)
	if err == nil {
		defer s.Close()
	}
	switch {
	case err == nil && refusal != nil && refusal.Errno == 0:
		v.ours++
		t.Logf("libbpf does not load it: %v", refusal)
	case err == nil && refusal != nil:
		t.Errorf("the kernel refuses libbpf with %v, but not us: %v", refusal.Errno, refusal)
	case err != nil && refusal == nil:
		t.Errorf("libbpf loads it, we do not: %+v", err)
	case errors.Is(err, sys.ENOTSUPP):
		// Without a JIT compiler the kernel calls no kfuncs; where libbpf gives up before it asks, there is nothing to compare.
		v.refused++
		t.Logf("libbpf: %v; we: %v", refusal, err)
	case err != nil && refusal.Errno == 0:
		v.neither++
		t.Logf("libbpf does not know it: %v; the kernel: %v", refusal, err)
	case err != nil:
		v.refused++
		if !errors.Is(err, refusal.Errno) {
			t.Errorf("libbpf is refused with %v, we with: %v", refusal.Errno, err)
		}
	default:
		v.same++
		ours := describe(t, s)
		likeOldLibbpf(ref, ours, s.Spec())
		if diff := sameload.Diff(ref, ours); diff != "" {
			t.Errorf("not the same load (-libbpf +ours):\n%s", diff)
		}
	}
}

// likeOldLibbpf takes from what libbpf before 1.3 has loaded, which does not know uprobe links for many places, what depends on the
// attach type of usdt programs: that, and which function of the kernel's stands for bpf_get_attach_cookie.
func likeOldLibbpf(ref, ours sameload.View, of *runtime.Spec) {
	for i := range of.Programs {
		p := &of.Programs[i]
		theirs, mine := ref.Programs[p.Name], ours.Programs[p.Name]
		usdt := strings.HasPrefix(strings.TrimPrefix(p.Section, "?"), "usdt")
		if !usdt || theirs.ExpectedAttachType != 0 || mine.ExpectedAttachType != sys.AttachTraceUprobeMulti {
			continue
		}
		mine.ExpectedAttachType = 0
		if onlyOneHelperDiffers(theirs.Insns, mine.Insns) {
			mine.Insns = theirs.Insns
		}
		ours.Programs[p.Name] = mine
	}
}

// onlyOneHelperDiffers reports whether programs differ in nothing but the address of one helper.
func onlyOneHelperDiffers(theirs, ours []string) bool {
	if len(theirs) != len(ours) {
		return false
	}
	const call = ": op 85 regs 00 off 0 imm "
	var helpers [2]string
	for i := range ours {
		if theirs[i] == ours[i] {
			continue
		}
		place, their, isCall := strings.Cut(theirs[i], call)
		same, our, isOurCall := strings.Cut(ours[i], call)
		if !isCall || !isOurCall || place != same || helpers != [2]string{} && helpers != [2]string{their, our} {
			return false
		}
		helpers = [2]string{their, our}
	}
	return true
}

// load goes from an object file to the kernel, with no generated code in between.
func load(t *testing.T, path string) (*runtime.Skeleton, error) {
	obj, err := object.Read(path)
	if err != nil {
		return nil, err
	}
	spec, err := loader.Generate(obj, loader.Options{})
	if err != nil {
		return nil, err
	}
	var opts *runtime.LoadOptions
	if spec.PinsByName() {
		opts = &runtime.LoadOptions{Pins: &runtime.PinOptions{Path: testfs.BPF(t)}}
	}
	return runtime.Load(spec, opts)
}

func describe(t *testing.T, s *runtime.Skeleton) sameload.View {
	t.Helper()
	maps, programs := fdsByName(s)
	view, err := sameload.Describe(maps, programs)
	if err != nil {
		t.Fatal(err)
	}
	return view
}
