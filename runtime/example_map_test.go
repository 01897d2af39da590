package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"slices"
	"time"

	"github.com/bpf2lskel/bpf2lskel/runtime"
	"github.com/bpf2lskel/bpf2lskel/runtime/internal/example/skel"
)

func ExampleHashMap_Update() {
	s, err := skel.Load()
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	counts := s.Maps.Counts // a *HashMap[uint32, skel.Counter]

	if err := counts.Update(64, skel.Counter{Packets: 1}, runtime.NoExist); err != nil {
		log.Fatal(err)
	}
	err = counts.Update(64, skel.Counter{Packets: 2}, runtime.NoExist)
	fmt.Println(err, errors.Is(err, runtime.ErrKeyExist))

	c, err := counts.LookupAndDelete(64)
	fmt.Println(c.Packets, err)

	_, err = counts.Lookup(64)
	fmt.Println(errors.Is(err, runtime.ErrKeyNotExist))
	// Output:
	// map counts: update: key already exists true
	// 1 <nil>
	// true
}

// Entries may be added and removed during an iteration.
func ExampleHashMap_Iterate() {
	s, err := skel.Load()
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	for size := range uint32(4) {
		if err := s.Maps.Counts.Update(size, skel.Counter{Packets: 10}, runtime.Any); err != nil {
			log.Fatal(err)
		}
	}

	var sizes []uint32
	it := s.Maps.Counts.Iterate()
	for size := range it.All() {
		sizes = append(sizes, size)
		if err := s.Maps.Counts.Delete(size); err != nil {
			log.Fatal(err)
		}
	}
	if err := it.Err(); err != nil { // why the iteration ended early
		log.Fatal(err)
	}
	slices.Sort(sizes)
	fmt.Println(sizes)
	// Output: [0 1 2 3]
}

// Batches handle many entries with few system calls.
func ExampleHashMap_LookupBatch() {
	s, err := skel.Load()
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	n, err := s.Maps.Counts.UpdateBatch([]uint32{1, 2, 3}, make([]skel.Counter, 3), runtime.Any)
	fmt.Println(n, err)

	var (
		cursor runtime.BatchCursor
		keys   = make([]uint32, 64)
		values = make([]skel.Counter, 64)
		all    int
	)
	for {
		n, err := s.Maps.Counts.LookupBatch(&cursor, keys, values)
		if err != nil {
			log.Fatal(err)
		}
		if n == 0 {
			break
		}
		all += n
	}
	fmt.Println(all)
	// Output:
	// 3 <nil>
	// 3
}

// A per-CPU map has a value for each CPU under each key.
func ExamplePerCPUArrayMap_Lookup() {
	s, err := skel.Load()
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	for number := range uint32(3) {
		if _, err := runtime.RunSyscall(s.Progs.Report, &reportArgs{Number: number}); err != nil {
			log.Fatal(err)
		}
	}

	values, err := s.Maps.Runs.Lookup(0)
	if err != nil {
		log.Fatal(err)
	}
	var sum uint64
	for _, v := range values {
		sum += v
	}
	fmt.Println(sum, len(values) == s.Maps.Runs.CPUs())
	// Output: 3 true
}

// Records are read as Go structs. Waiting for them ends with the context.
func ExampleRingBuf() {
	s, err := skel.Load()
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	r, err := s.Maps.Events.Reader()
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	for number := range uint32(2) {
		if _, err := runtime.RunSyscall(s.Progs.Report, &reportArgs{Number: number}); err != nil {
			log.Fatal(err)
		}
	}

	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	it := r.Iterate(ctx)
	for e := range it.All() {
		fmt.Printf("%d %s\n", e.Number, e.Text[:5])
	}
	fmt.Println(it.Err())
	// Output:
	// 0 hello
	// 1 hello
	// map events: read ring buffer: context deadline exceeded
}
