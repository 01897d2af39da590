//vmtest:5.10,6.1,7.x

package preflight_test

import (
	"errors"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/preflight"
	"github.com/bpf2lskel/bpf2lskel/internal/testfs"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"github.com/bpf2lskel/bpf2lskel/loader"
	"github.com/bpf2lskel/bpf2lskel/runtime"
	_ "github.com/bpf2lskel/bpf2lskel/runtime/oldkernel"
)

// For all objects in testdata, the kernel refuses what preflight calls missing. Objects that the
// kernel refuses for other reasons, mostly the verifier's, are listed.
func TestAgreesWithTheKernel(t *testing.T) {
	kernel, err := preflight.Running()
	if err != nil {
		t.Fatal(err)
	}
	var loads, both, others int
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
		switch {
		case err == nil && report.Strong():
			t.Errorf("%s loads, but preflight says: %+v", name, report.Findings)
		case err == nil:
			loads++
		case report.Strong():
			both++
			t.Logf("%-28s preflight: %s; the kernel: %v", name, firstStrong(report), err)
		default:
			others++
			t.Logf("%-28s only the kernel: %v", name, short(err))
		}
	}
	t.Logf("%d load as predicted, %d are refused as predicted, %d for other reasons", loads, both, others)
}

func firstStrong(r *preflight.Report) string {
	for _, f := range r.Findings {
		if f.Strong {
			return f.What
		}
	}
	return ""
}

// short returns an error without its log.
func short(err error) string {
	var failure *runtime.LoadError
	if errors.As(err, &failure) {
		failure.Log = ""
	}
	text := err.Error()
	return text[:min(len(text), 200)]
}
