package main

import (
	"context"
	"errors"
	"fmt"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/loader"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// our is an object loaded by this project's runtime.
type our struct {
	s           *runtime.Skeleton
	ring, event filler
}

func load(object string) (*our, error) {
	spec, err := loader.ReadFile(object, loader.Options{})
	if err != nil {
		return nil, err
	}
	s, err := runtime.Load(spec, nil)
	if err != nil {
		return nil, err
	}
	kept = append(kept, s)
	return &our{
		s:     s,
		ring:  filler(s.ProgramByName("fill_ring").FD()),
		event: filler(s.ProgramByName("fill_events").FD()),
	}, nil
}

// readers are ways to read n records of type T, all of one size, from a ring buffer and from a perf
// event array.
type readers[T any] struct {
	ring func(r *runtime.RingBufReader[T], n int) (sum uint64, err error)
	perf func(r *runtime.PerfReader[T], n int) (sum uint64, err error)
}

func first[T any](t *T) uint64 { return *(*uint64)(unsafe.Pointer(t)) }

// events adds the rows for one size of records. Each size has its own object, since a buffer has
// one reader.
func events[T any](rows benches, object string, by readers[T]) error {
	o, err := load(object)
	if err != nil {
		return err
	}
	rb, err := runtime.NewRingBuf[T](o.s.MapByName("ring")).Reader()
	if err != nil {
		return err
	}
	array, err := runtime.NewPerfEventArray[T](o.s.MapByName("events")).Reader(runtime.PerfOptions{Pages: perfPages})
	if err != nil {
		return err
	}
	readRing := func(n int) (uint64, error) { return by.ring(rb, n) }
	size := int(unsafe.Sizeof(*new(T)))
	rows[fmt.Sprintf("ring %d", size)] = drain(ringRecords(size), o.ring.fillWith(ringRecords(size), size), readRing)
	rows[fmt.Sprintf("perf %d", size)] = drain(perfRecords(size), o.event.fillWith(perfRecords(size), size),
		func(n int) (uint64, error) { return by.perf(array, n) })
	if size == 48 {
		liveRows(rows, o.ring, readRing)
	}
	return nil
}

// allEvents returns the rows of events.
func allEvents(object string, small readers[[1]uint64], usual readers[[6]uint64], large readers[[64]uint64], page readers[[512]uint64]) (benches, error) {
	rows := benches{}
	return rows, errors.Join(events(rows, object, small), events(rows, object, usual),
		events(rows, object, large), events(rows, object, page))
}

func borrowed[T any]() readers[T] {
	return readers[T]{
		ring: func(r *runtime.RingBufReader[T], n int) (sum uint64, err error) {
			it := r.Iterate(context.Background())
			for t := range it.Borrow() {
				sum += first(t)
				if n--; n == 0 {
					break
				}
			}
			return sum, it.Err()
		},
		perf: func(r *runtime.PerfReader[T], n int) (sum uint64, err error) {
			it := r.Iterate(context.Background())
			for t := range it.Borrow() {
				sum += first(&t.Value)
				if n--; n == 0 {
					break
				}
			}
			return sum, it.Err()
		},
	}
}

func copied[T any]() readers[T] {
	return readers[T]{
		ring: func(r *runtime.RingBufReader[T], n int) (sum uint64, err error) {
			it := r.Iterate(context.Background())
			for t := range it.All() {
				sum += first(&t)
				if n--; n == 0 {
					break
				}
			}
			return sum, it.Err()
		},
		perf: func(r *runtime.PerfReader[T], n int) (sum uint64, err error) {
			it := r.Iterate(context.Background())
			for t := range it.All() {
				sum += first(&t.Value)
				if n--; n == 0 {
					break
				}
			}
			return sum, it.Err()
		},
	}
}

func single[T any]() readers[T] {
	return readers[T]{
		ring: func(r *runtime.RingBufReader[T], n int) (sum uint64, err error) {
			for range n {
				t, err := r.Read(context.Background())
				if err != nil {
					return 0, err
				}
				sum += first(&t)
			}
			return sum, nil
		},
		perf: func(r *runtime.PerfReader[T], n int) (sum uint64, err error) {
			for range n {
				t, err := r.Read(context.Background())
				if err != nil {
					return 0, err
				}
				sum += first(&t.Value)
			}
			return sum, nil
		},
	}
}

func openCopied(object string) (benches, error) {
	return allEvents(object, copied[[1]uint64](), copied[[6]uint64](), copied[[64]uint64](), copied[[512]uint64]())
}

func openSingle(object string) (benches, error) {
	return allEvents(object, single[[1]uint64](), single[[6]uint64](), single[[64]uint64](), single[[512]uint64]())
}

func openOurs(object string) (benches, error) {
	rows, err := allEvents(object, borrowed[[1]uint64](), borrowed[[6]uint64](), borrowed[[64]uint64](), borrowed[[512]uint64]())
	if err != nil {
		return nil, err
	}
	o, err := load(object)
	if err != nil {
		return nil, err
	}
	small := runtime.NewHashMap[uint64, value](o.s.MapByName("small"))
	large := runtime.NewHashMap[uint64, value](o.s.MapByName("large"))
	percpu := runtime.NewPerCPUArrayMap[value](o.s.MapByName("percpu"))
	keys, values, err := fillMaps(small.FD(), large.FD())
	if err != nil {
		return nil, err
	}
	perCPU := make([]value, percpu.CPUs())
	rows["lookup"] = repeat(operations, func(i int) error {
		_, err := small.Lookup(uint64(i % smallKeys))
		return err
	})
	rows["update"] = repeat(operations, func(i int) error {
		return small.Update(uint64(i%smallKeys), value{1, 1}, runtime.Any)
	})
	rows["update, batch"] = bench{run: func() (int, error) { return small.UpdateBatch(keys, values, runtime.Any) }}
	rows["per-CPU lookup"] = repeat(operations, func(i int) error {
		return percpu.LookupInto(uint32(i%percpuKeys), perCPU)
	})
	rows["iterate"] = bench{run: func() (n int, err error) {
		var sum uint64
		it := large.Iterate()
		for _, v := range it.All() {
			n++
			sum += v.Packets
		}
		if sum != uint64(n) || n != largeKeys {
			return 0, fmt.Errorf("%d entries, sum %d", n, sum)
		}
		return n, it.Err()
	}}
	attach := runtime.NewRawTracepointProgram(o.s.ProgramByName("attached"))
	rows["attach"] = repeat(attaching, func(int) error {
		l, err := attach.Attach(nil)
		if err != nil {
			return err
		}
		return l.Close()
	})
	return rows, nil
}
