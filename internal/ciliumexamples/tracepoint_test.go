//vmtest:all

package ciliumexamples

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/ciliumexamples/tracepoint_in_c"
	"github.com/bpf2lskel/bpf2lskel/internal/ciliumexamples/tracepoint_in_go"
	"github.com/bpf2lskel/bpf2lskel/internal/testfs"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// The example counts page allocations.
func TestTracepointInC(t *testing.T) {
	testfs.At(t, "tracefs", "/sys/kernel/tracing")
	s := loaded(t, tracepoint_in_c.Load)
	l, err := s.Progs.MmPageAlloc.AttachTracepoint("kmem", "mm_page_alloc", nil)
	attached(t, l, err)
	count := func() uint64 {
		t.Helper()
		n, err := s.Maps.CountingMap.Lookup(0)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}

	const pages = 500
	before := count()
	size := pages * os.Getpagesize()
	memory, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Munmap(memory); err != nil {
			t.Error(err)
		}
	}()
	if err := unix.Madvise(memory, unix.MADV_NOHUGEPAGE); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < size; i += os.Getpagesize() {
		memory[i] = 1
	}
	if n := count() - before; n < pages {
		t.Errorf("%d allocations, of %d pages", n, pages)
	}

	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	after := count()
	if err := os.WriteFile(t.TempDir()+"/file", make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
	if n := count(); n != after {
		t.Errorf("%d allocations after Close, %d before", n, after)
	}
}

// The example emits a number for each opened file.
func TestTracepointInGo(t *testing.T) {
	testfs.At(t, "tracefs", "/sys/kernel/tracing")
	s := loaded(t, tracepoint_in_go.Load)
	events, err := s.Maps.MyPerfArray.Reader(runtime.PerfOptions{Pages: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	l, err := s.Progs.MyTraceProg.AttachTracepoint("syscalls", "sys_enter_openat", nil)
	attached(t, l, err)
	const files = 3
	for range files {
		f, err := os.Open("/proc/self/comm")
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for i := range files {
		record, err := events.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if want := binary.NativeEndian.AppendUint32(nil, 123); !bytes.Equal(record.Value, want) {
			t.Errorf("record %d is %v, want %v", i, record.Value, want)
		}
	}
}
