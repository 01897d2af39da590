package main

import (
	"fmt"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/perf"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"
)

// openCilium returns the rows of cilium/ebpf, each in the cheapest way that it offers.
func openCilium(object string) (benches, error) {
	c, err := ebpf.LoadCollection(object)
	if err != nil {
		return nil, err
	}
	kept = append(kept, c)
	rows := benches{}
	ring, event := filler(c.Programs["fill_ring"].FD()), filler(c.Programs["fill_events"].FD())
	rb, err := ringbuf.NewReader(c.Maps["ring"])
	if err != nil {
		return nil, err
	}
	array, err := perf.NewReader(c.Maps["events"], perfPages*unix.Getpagesize())
	if err != nil {
		return nil, err
	}
	var rec ringbuf.Record
	readRing := func(n int) (sum uint64, err error) {
		for range n {
			if err := rb.ReadInto(&rec); err != nil {
				return 0, err
			}
			sum += *(*uint64)(unsafe.Pointer(&rec.RawSample[0]))
		}
		return sum, nil
	}
	var sample perf.Record
	readPerf := func(n int) (sum uint64, err error) {
		for range n {
			if err := array.ReadInto(&sample); err != nil {
				return 0, err
			}
			sum += *(*uint64)(unsafe.Pointer(&sample.RawSample[0]))
		}
		return sum, nil
	}
	for _, size := range sizes {
		rows[fmt.Sprintf("ring %d", size)] = drain(ringRecords(size), ring.fillWith(ringRecords(size), size), readRing)
		rows[fmt.Sprintf("perf %d", size)] = drain(perfRecords(size), event.fillWith(perfRecords(size), size), readPerf)
	}
	liveRows(rows, ring, readRing)

	small, large, percpu := c.Maps["small"], c.Maps["large"], c.Maps["percpu"]
	keys, values, err := fillMaps(small.FD(), large.FD())
	if err != nil {
		return nil, err
	}
	var v value
	rows["lookup"] = repeat(operations, func(i int) error {
		k := uint64(i % smallKeys)
		return small.Lookup(&k, &v)
	})
	rows["update"] = repeat(operations, func(i int) error {
		k := uint64(i % smallKeys)
		return small.Put(&k, &value{1, 1})
	})
	rows["update, batch"] = bench{run: func() (int, error) { return small.BatchUpdate(keys, values, nil) }}
	perCPU := make([]value, ebpf.MustPossibleCPU())
	rows["per-CPU lookup"] = repeat(operations, func(i int) error {
		k := uint32(i % percpuKeys)
		return percpu.Lookup(&k, &perCPU)
	})
	gotKeys, gotValues := make([]uint64, chunk), make([]value, chunk)
	rows["iterate"] = bench{run: func() (n int, err error) {
		var cursor ebpf.MapBatchCursor
		var sum uint64
		for {
			got, err := large.BatchLookup(&cursor, gotKeys, gotValues, nil)
			for _, v := range gotValues[:got] {
				sum += v.Packets
			}
			n += got
			if err != nil {
				break
			}
		}
		if sum != uint64(n) || n != largeKeys {
			return 0, fmt.Errorf("%d entries, sum %d", n, sum)
		}
		return n, nil
	}}
	prog := c.Programs["attached"]
	rows["attach"] = repeat(attaching, func(int) error {
		l, err := link.AttachRawTracepoint(link.RawTracepointOptions{Name: "sched_process_exit", Program: prog})
		if err != nil {
			return err
		}
		return l.Close()
	})
	return rows, nil
}
