//vmtest:all,5.10

package preflight_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/preflight"
	"github.com/bpf2lskel/bpf2lskel/internal/testfs"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"github.com/bpf2lskel/bpf2lskel/loader"
	"github.com/bpf2lskel/bpf2lskel/runtime"
	_ "github.com/bpf2lskel/bpf2lskel/runtime/oldkernel"
)

// What preflight says is what happens, for all objects of testdata: whatever it calls missing, the
// kernel refuses. For each kernel of the matrix testdata has what was refused, for what preflight
// says or for something else, the verifier's refusals for the most part.
func TestAgreesWithTheKernel(t *testing.T) {
	kernel, err := preflight.Running()
	if err != nil {
		t.Fatal(err)
	}
	var loads, both, others int
	var table strings.Builder
	for _, name := range testobj.All(t) {
		spec, err := loader.ReadFile(testobj.Compile(t, name, testobj.Options{}), loader.Options{})
		if err != nil {
			t.Fatal(err)
		}
		report, err := preflight.Check(spec, kernel)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var opts *runtime.LoadOptions
		if spec.PinsByName() {
			opts = &runtime.LoadOptions{Pins: &runtime.PinOptions{Path: testfs.BPF(t)}}
		}
		s, err := runtime.Load(spec, opts)
		if err == nil {
			s.Close()
		}
		said := firstFinding(report)
		switch {
		case err == nil && report.Strong():
			t.Errorf("%s loads, and preflight says: %+v", name, report.Findings)
		case err == nil:
			loads++
		case report.Strong():
			both++
			fmt.Fprintf(&table, "%s\tmissing: %s\n", name, said)
		default:
			others++
			fmt.Fprintf(&table, "%s\tonly the kernel: %s", name, refusal(t, err))
			if said != "" {
				fmt.Fprintf(&table, "; weak: %s", said)
			}
			table.WriteByte('\n')
		}
	}
	fmt.Fprintf(&table, "%d load and preflight agrees, %d are refused for what it says, %d for something else\n", loads, both, others)
	if !guest.In() {
		t.Logf("\n%s", &table) // kernels of other machines differ
		return
	}
	path := filepath.Join("testdata", guest.Key()+".golden")
	want, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if table.String() != string(want) {
		t.Errorf("%s differs (-golden +this kernel):\n%s\nit is now:\n%s", path, cmp.Diff(string(want), table.String()), &table)
	}
}

// BTF that is not a kernel's would be said to lack whatever an object needs.
func TestFileIsAKernels(t *testing.T) {
	path := testobj.Compile(t, "minimal", testobj.Options{})
	if _, err := preflight.File(path); err == nil || !strings.Contains(err.Error(), path+" is not the BTF of a kernel") {
		t.Errorf("an object's BTF: %v", err)
	}
	if _, err := os.Stat("/sys/kernel/btf/vmlinux"); err == nil {
		if _, err := preflight.File("/sys/kernel/btf/vmlinux"); err != nil {
			t.Error(err)
		}
	}
}

// firstFinding is what a report has first, of what is strong if anything is.
func firstFinding(r *preflight.Report) string {
	for _, strong := range []bool{true, false} {
		for _, f := range r.Findings {
			if f.Strong == strong {
				return f.What
			}
		}
	}
	return ""
}

// refusal says what the kernel has refused and how, without what differs between releases.
func refusal(t *testing.T, err error) string {
	t.Helper()
	var failure *runtime.LoadError
	if !errors.As(err, &failure) {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s: %v", failure.Op, failure.Errno)
}
