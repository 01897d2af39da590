package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// call makes one bpf system call on an element or a batch. The attr is given as words of 8 bytes.
func call(cmd uintptr, attr []uint64) error {
	if _, _, errno := unix.Syscall(unix.SYS_BPF, cmd, uintptr(unsafe.Pointer(&attr[0])), uintptr(8*len(attr))); errno != 0 {
		return errno
	}
	return nil
}

func address[T any](p *T) uint64 { return sys.Addr(unsafe.Pointer(p)) }

// element calls BPF_MAP_LOOKUP_ELEM or BPF_MAP_UPDATE_ELEM.
func element[K, V any](cmd uintptr, fd int, k *K, v *V) error {
	return call(cmd, []uint64{uint64(fd), address(k), address(v), 0})
}

// chunkOf calls BPF_MAP_LOOKUP_BATCH or BPF_MAP_UPDATE_BATCH and returns the number of elements.
func chunkOf(cmd uintptr, fd int, in, out *uint64, keys []uint64, values []value) (int, error) {
	counts := [2]uint32{uint32(len(keys)), uint32(fd)}
	attr := []uint64{0, 0, address(&keys[0]), address(&values[0]), *(*uint64)(unsafe.Pointer(&counts)), 0, 0}
	if in != nil {
		attr[0] = address(in)
	}
	if out != nil {
		attr[1] = address(out)
	}
	err := call(cmd, attr)
	return int(uint32(attr[4])), err
}

// fillMaps fills the maps of the rows and returns a chunk of keys and values.
func fillMaps(small, large int) ([]uint64, []value, error) {
	keys, values := make([]uint64, chunk), make([]value, chunk)
	for from := largeKeys - chunk; from >= 0; from -= chunk {
		for i := range keys {
			keys[i], values[i] = uint64(from+i), value{1, 1}
		}
		if _, err := chunkOf(unix.BPF_MAP_UPDATE_BATCH, large, nil, nil, keys, values); err != nil {
			return nil, nil, err
		}
	}
	_, err := chunkOf(unix.BPF_MAP_UPDATE_BATCH, small, nil, nil, keys, values)
	return keys, values, err
}

// bareRing reads a ring buffer without checks: the least that reading takes.
type bareRing struct {
	consumer, producer *uint64
	data               []byte
}

func mapRing(fd int) (*bareRing, error) {
	page := unix.Getpagesize()
	head, err := unix.Mmap(fd, 0, page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	rest, err := unix.Mmap(fd, int64(page), page+2*ringSize, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	return &bareRing{
		consumer: (*uint64)(unsafe.Pointer(&head[0])),
		producer: (*uint64)(unsafe.Pointer(&rest[0])),
		data:     rest[page:],
	}, nil
}

func (r *bareRing) read(int) (sum uint64, err error) {
	pos, end := atomic.LoadUint64(r.consumer), atomic.LoadUint64(r.producer)
	for pos != end {
		at := pos & (ringSize - 1)
		header := atomic.LoadUint32((*uint32)(unsafe.Pointer(&r.data[at])))
		if header>>31 != 0 {
			break
		}
		sum += *(*uint64)(unsafe.Pointer(&r.data[at+8]))
		pos += (uint64(header&^(1<<30)) + 15) &^ 7
	}
	atomic.StoreUint64(r.consumer, pos)
	return sum, nil
}

// bareEvent reads the buffer of a perf event without checks.
type bareEvent struct {
	page *unix.PerfEventMmapPage
	data []byte
}

// mapEvents opens an event on each CPU and returns that of the first CPU, where the rows run.
func mapEvents(fd int) (*bareEvent, error) {
	cpus, err := runtime.PossibleCPUs()
	if err != nil {
		return nil, err
	}
	var first *bareEvent
	for cpu := range cpus {
		attr := unix.PerfEventAttr{
			Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_BPF_OUTPUT,
			Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})), Sample_type: unix.PERF_SAMPLE_RAW, Sample: 1, Wakeup: 1,
		}
		event, err := unix.PerfEventOpen(&attr, -1, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
		if err != nil {
			return nil, err
		}
		size := unix.Getpagesize()
		mem, err := unix.Mmap(event, 0, (1+perfPages)*size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		if err != nil {
			return nil, err
		}
		k, v := uint32(cpu), uint32(event)
		if err := element(unix.BPF_MAP_UPDATE_ELEM, fd, &k, &v); err != nil {
			return nil, err
		}
		if first == nil {
			first = &bareEvent{(*unix.PerfEventMmapPage)(unsafe.Pointer(&mem[0])), mem[size:]}
		}
	}
	return first, nil
}

func (e *bareEvent) read(int) (sum uint64, err error) {
	pos, end := e.page.Data_tail, atomic.LoadUint64(&e.page.Data_head)
	mask := uint64(len(e.data) - 1)
	var word [8]byte
	for pos != end {
		length := uint64(binary.NativeEndian.Uint16(e.data[(pos+6)&mask:]))
		for i := range word { // unaligned, and may wrap around
			word[i] = e.data[(pos+12+uint64(i))&mask]
		}
		sum += binary.NativeEndian.Uint64(word[:])
		pos += length
	}
	atomic.StoreUint64(&e.page.Data_tail, pos)
	return sum, nil
}

// openFloor returns the rows of bare system calls and of loops over memory without checks.
func openFloor(object string) (benches, error) {
	c, err := ebpf.LoadCollection(object)
	if err != nil {
		return nil, err
	}
	kept = append(kept, c)
	rows := benches{}
	ring, event := filler(c.Programs["fill_ring"].FD()), filler(c.Programs["fill_events"].FD())
	rb, err := mapRing(c.Maps["ring"].FD())
	if err != nil {
		return nil, err
	}
	array, err := mapEvents(c.Maps["events"].FD())
	if err != nil {
		return nil, err
	}
	for _, size := range sizes {
		rows[fmt.Sprintf("ring %d", size)] = drain(ringRecords(size), ring.fillWith(ringRecords(size), size), rb.read)
		rows[fmt.Sprintf("perf %d", size)] = drain(perfRecords(size), event.fillWith(perfRecords(size), size), array.read)
	}
	small, large, percpu := c.Maps["small"].FD(), c.Maps["large"].FD(), c.Maps["percpu"].FD()
	keys, values, err := fillMaps(small, large)
	if err != nil {
		return nil, err
	}
	var k uint64
	v := value{1, 1}
	rows["lookup"] = repeat(operations, func(i int) error {
		k = uint64(i % smallKeys)
		return element(unix.BPF_MAP_LOOKUP_ELEM, small, &k, &v)
	})
	rows["update"] = repeat(operations, func(i int) error {
		k = uint64(i % smallKeys)
		return element(unix.BPF_MAP_UPDATE_ELEM, small, &k, &v)
	})
	rows["update, batch"] = bench{run: func() (int, error) {
		return chunkOf(unix.BPF_MAP_UPDATE_BATCH, small, nil, nil, keys, values)
	}}
	perCPU := make([]value, ebpf.MustPossibleCPU())
	var index uint32
	rows["per-CPU lookup"] = repeat(operations, func(i int) error {
		index = uint32(i % percpuKeys)
		return element(unix.BPF_MAP_LOOKUP_ELEM, percpu, &index, &perCPU[0])
	})
	gotKeys, gotValues := make([]uint64, chunk), make([]value, chunk)
	rows["iterate"] = bench{run: func() (n int, err error) {
		var in *uint64
		var at, sum uint64
		for {
			got, err := chunkOf(unix.BPF_MAP_LOOKUP_BATCH, large, in, &at, gotKeys, gotValues)
			if err != nil && !errors.Is(err, unix.ENOENT) {
				return 0, err
			}
			for _, v := range gotValues[:got] {
				sum += v.Packets
			}
			n += got
			if err != nil {
				break
			}
			in = &at
		}
		if sum != uint64(n) || n != largeKeys {
			return 0, fmt.Errorf("%d entries, sum %d", n, sum)
		}
		return n, nil
	}}
	name := append([]byte("sched_process_exit"), 0)
	prog := c.Programs["attached"].FD()
	rows["attach"] = repeat(attaching, func(int) error {
		attr := []uint64{address(&name[0]), uint64(prog), 0}
		fd, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_RAW_TRACEPOINT_OPEN, uintptr(unsafe.Pointer(&attr[0])), 16)
		if errno != 0 {
			return errno
		}
		return unix.Close(int(fd))
	})
	return rows, nil
}
