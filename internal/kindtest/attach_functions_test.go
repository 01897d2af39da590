//vmtest:all,5.10

package kindtest

import (
	"errors"
	"os"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/functions"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// loadFunction loads one program that observes this process's getpgid.
func loadFunction(t *testing.T, choose func(*functions.Progs) runtime.AnyProgram) *functions.Skeleton {
	t.Helper()
	s := opened(t, functions.Open)
	s.Rodata.Pid = uint32(os.Getpid())
	choose(&s.Progs).(interface{ SetAutoLoad(bool) }).SetAutoLoad(true)
	notTraced(t, s.Load())
	return s
}

func TestAttachFentry(t *testing.T) {
	s := loadFunction(t, func(p *functions.Progs) runtime.AnyProgram { return p.OnEntry })
	l, err := s.Progs.OnEntry.Attach(&runtime.TracingOptions{Cookie: cookie("6.0", 99)})
	notTraced(t, err)
	ended(t, l, err)
	if err := getpgid(); err != nil {
		t.Fatal(err)
	}
	if n := atomic.LoadUint64(&s.Bss.Entered); n != 1 || s.Bss.Asked != int32(os.Getpid()) || s.Bss.Cookie != cookie("6.0", 99) {
		t.Errorf("%d calls, the last for %d, cookie %d", n, s.Bss.Asked, s.Bss.Cookie)
	}
	if info, err := l.Info(); err != nil || info.Type != runtime.LinkTracing || info.AttachType != sys.AttachTraceFentry {
		t.Errorf("info %+v, %v", info, err)
	}
}

func TestAttachFexit(t *testing.T) {
	s := loadFunction(t, func(p *functions.Progs) runtime.AnyProgram { return p.OnExit })
	l, err := s.Progs.OnExit.Attach(nil)
	notTraced(t, err)
	ended(t, l, err)
	if err := getpgid(); err != nil {
		t.Fatal(err)
	}
	if n := atomic.LoadUint64(&s.Bss.Left); n != 1 || s.Data.Answer != 0 {
		t.Errorf("%d calls, the last returned %d", n, s.Data.Answer)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_ = getpgid()
	if n := atomic.LoadUint64(&s.Bss.Left); n != 1 {
		t.Errorf("%d calls after Close", n)
	}
}

func TestAttachFmodRet(t *testing.T) {
	s := loadFunction(t, func(p *functions.Progs) runtime.AnyProgram { return p.Instead })
	l, err := s.Progs.Instead.Attach(nil)
	notTraced(t, err)
	ended(t, l, err)
	if err := getpgid(); !errors.Is(err, unix.EBUSY) {
		t.Errorf("getpgid: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := getpgid(); err != nil {
		t.Errorf("getpgid after Close: %v", err)
	}
}

func TestAttachLSM(t *testing.T) {
	withLSM(t)
	s := loadFunction(t, func(p *functions.Progs) runtime.AnyProgram { return p.Judge })
	left, err := s.Attach()
	notTraced(t, err)
	if len(left) != 4 || s.Links.Judge == nil {
		t.Errorf("left alone: %v", left)
	}
	if err := getpgid(); !errors.Is(err, unix.EXDEV) {
		t.Errorf("getpgid: %v", err)
	}
	s.Detach()
	if err := getpgid(); err != nil {
		t.Errorf("getpgid after Detach: %v", err)
	}
}
