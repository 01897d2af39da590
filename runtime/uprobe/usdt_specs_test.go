package uprobe

import (
	"errors"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/usdt"
)

// Each entry is in use at most once, and all of them can be used.
func TestSpecTable(t *testing.T) {
	s, err := usdt.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	other, err := usdt.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	const size = 64
	s.Maps.BpfUsdtSpecs.SetMaxEntries(size)
	m, err := findSpecsMap(s.Core())
	if err != nil {
		t.Fatal(err)
	}
	table := specTableOf(m)
	if table != specTableOf(s.Maps.BpfUsdtSpecs.Untyped()) || table == specTableOf(other.Maps.BpfUsdtSpecs.Untyped()) {
		t.Error("a skeleton has more than one table")
	}
	var used [size]sync.Mutex
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 500 {
				var ids []uint32
				for range size / 8 {
					id, err := table.take(m)
					if err != nil {
						t.Error(err)
						return
					}
					if !used[id].TryLock() {
						t.Errorf("entry %d is used twice", id)
						return
					}
					ids = append(ids, id)
				}
				for _, id := range ids {
					used[id].Unlock()
				}
				table.giveBack(ids)
			}
		})
	}
	wait.Wait()
	for range size {
		if _, err := table.take(m); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := table.take(m); !errors.Is(err, unix.E2BIG) {
		t.Errorf("one too many: %v", err)
	}
}
