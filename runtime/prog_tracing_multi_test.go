//vmtest:all

package runtime

import (
	"errors"
	goruntime "runtime"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

func newTracingMulti(t *testing.T, attachType uint32, insns asm.Instructions) TracingMultiProgram {
	t.Helper()
	p, log, err := loadTestProgram(testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypeTracing, AttachType: attachType, Section: "fentry.multi/do_nanos*", AttachTo: "do_nanos*"},
		insns:       insns,
	})
	sinceOrSkip(t, err, 7, 2, "fentry.multi")
	skipWithoutTrampolines(t, err)
	if err != nil {
		t.Fatalf("load: %v\n%s", err, log)
	}
	t.Cleanup(p.fd.close)
	return NewTracingMultiProgram(p)
}

func TestAttachTracingMulti(t *testing.T) {
	ownTraceFS(t)
	for _, attachType := range []uint32{sys.AttachTraceFentryMulti, sys.AttachTraceFexitMulti} {
		count := newCount(t)
		p := newTracingMulti(t, attachType, counting(count, 0))
		for name, attach := range map[string]func() (*Link, error){
			"section": func() (*Link, error) { return p.Attach(nil) },
			"names": func() (*Link, error) {
				return p.AttachTracingMulti([]string{"do_nanosleep", "hrtimer_nanosleep"}, &TracingMultiOptions{Cookies: []uint64{1, 2}})
			},
			"patterns": func() (*Link, error) {
				return p.AttachTracingMulti([]string{"security_task_get*", "do_nanosl?ep"}, nil)
			},
			"IDs": func() (*Link, error) {
				return p.AttachTracingMulti(nil, &TracingMultiOptions{IDs: []uint32{targetID[*btf.Func](t, "do_nanosleep")}})
			},
		} {
			before := counted(t, count)
			l, err := attach()
			if errors.Is(err, unix.EOPNOTSUPP) && goruntime.GOARCH != "amd64" {
				t.Skipf("not on this kernel: it attaches to one function at a time on %s: %v", goruntime.GOARCH, err)
			}
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			nap()
			if counted(t, count) == before {
				t.Errorf("%s: the program did not run", name)
			}
			if info, err := l.Info(); err != nil || info.Type != LinkTracingMulti ||
				!olderThan(t, 7, 3) && (info.AttachType != attachType || info.Count == 0) {
				t.Errorf("%s: info %+v, %v", name, info, err)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			before = counted(t, count)
			nap()
			if counted(t, count) != before {
				t.Errorf("%s: the program runs after Close", name)
			}
		}
		_, err := p.AttachTracingMulti([]string{"do_nanosleep", "no_such_function"}, nil)
		if !errors.Is(err, unix.ENOENT) || !strings.Contains(err.Error(), "has no function no_such_function") {
			t.Errorf("no such function: %v", err)
		}
		if _, err := p.AttachTracingMulti([]string{"do_nanosleep"}, &TracingMultiOptions{Cookies: []uint64{1, 2}}); !errors.Is(err, unix.EINVAL) {
			t.Errorf("cookies: %v", err)
		}
	}
}
