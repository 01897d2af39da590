//vmtest:all,5.10

package kindtest

import (
	"errors"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/queues"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// queue is a queue or a stack.
type queue interface {
	Push(uint32) error
	PushOver(uint32) error
	Pop() (uint32, error)
	Peek() (uint32, error)
}

func TestMapQueue(t *testing.T) {
	s := loaded(t, queues.Open)
	testQueue(t, s.Maps.Queue, s.Progs.TakeQueue, []uint32{2, 3, 4, 10}, []uint32{3, 4, 10, 5})
}

func TestMapStack(t *testing.T) {
	s := loaded(t, queues.Open)
	testQueue(t, s.Maps.Stack, s.Progs.TakeStack, []uint32{40, 3, 2, 1}, []uint32{5, 40, 3, 2})
}

// testQueue fills a queue with 1 to 4 and makes the program multiply one of them by ten. Then the
// numbers come in the order of after, or of over if a 5 replaces the oldest.
func testQueue(t *testing.T, q queue, take runtime.SchedCLSProgram, after, over []uint32) {
	t.Helper()
	fill := func() {
		t.Helper()
		for n := range uint32(4) {
			if err := q.Push(n + 1); err != nil {
				t.Fatal(err)
			}
		}
		if err := q.Push(5); !errors.Is(err, runtime.ErrMapFull) {
			t.Errorf("one too many: %v", err)
		}
		if ret := run(t, take, 0); ret != 0 {
			t.Fatalf("the program returns %d", ret)
		}
	}
	empty := func(want []uint32) {
		t.Helper()
		if v, err := q.Peek(); err != nil || v != want[0] {
			t.Errorf("peek: %d, %v, want %d", v, err, want[0])
		}
		for _, n := range want {
			if v, err := q.Pop(); err != nil || v != n {
				t.Errorf("pop: %d, %v, want %d", v, err, n)
			}
		}
		if _, err := q.Pop(); !errors.Is(err, runtime.ErrKeyNotExist) {
			t.Errorf("pop of nothing: %v", err)
		}
	}
	fill()
	empty(after)
	fill()
	if err := q.PushOver(5); err != nil {
		t.Fatal(err)
	}
	empty(over)
}

func TestMapBloomFilter(t *testing.T) {
	before(t, "5.16", "bloom filters")
	s := loaded(t, queues.Open)
	if err := s.Maps.Bloom.Add(7); err != nil {
		t.Fatal(err)
	}
	if ret := run(t, s.Progs.Look, 7); ret != 1 {
		t.Error("the program does not find 7")
	}
	// The program has inserted 8. Others may be found too, but hardly all of them.
	for n := range uint32(2) {
		if ok, err := s.Maps.Bloom.Contains(7 + n); err != nil || !ok {
			t.Errorf("contains %d: %v, %v", 7+n, ok, err)
		}
	}
	strangers := 0
	for n := range uint32(64) {
		if ok, err := s.Maps.Bloom.Contains(1000 + n); err != nil {
			t.Fatal(err)
		} else if ok {
			strangers++
		}
	}
	if strangers == 64 {
		t.Error("it contains everything")
	}
}
