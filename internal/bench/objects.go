package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"github.com/bpf2lskel/bpf2lskel/loader"
)

// benchObject is an object to load.
type benchObject struct {
	Name   string // in reports, files and packages
	source string // name in testdata
	cflags []string
	// CORE marks objects for measuring CO-RE.
	CORE bool
	What string
}

// benchObjects were chosen before anything was measured. Add objects, but remove none.
var benchObjects = []benchObject{
	{Name: "tracepoint", source: "bench_tracepoint", What: "one tracepoint, one counter"},
	{Name: "counter", source: "bench_counter", What: "packets by protocol, XDP"},
	{Name: "execsnoop", source: "bench_execsnoop", CORE: true, What: "execve, two tracepoints"},
	{Name: "opensnoop", source: "bench_opensnoop", CORE: true, What: "open files: task, file, inode"},
	{Name: "tcpconnect", source: "bench_tcpconnect", CORE: true, What: "TCP states: sock, tcp_sock, task"},
	{Name: "runqslower", source: "bench_runqslower", CORE: true, What: "run queue latency, BTF tracepoints"},
	{Name: "biolatency", source: "bench_biolatency", CORE: true, What: "block I/O: request, gendisk"},
	{Name: "filetop", source: "bench_filetop", CORE: true, What: "reads and writes: file, dentry, mount"},
	{Name: "memory", source: "bench_memory", CORE: true, What: "address spaces: mm, task, signal"},
	{Name: "iterators", source: "bench_iterators", CORE: true, What: "tasks and files as text, iterators"},
	{Name: "kfunc", source: "extern/bench_kfunc", CORE: true, What: "kernel functions, many calls"},
	{Name: "syscalls", source: "bench_syscalls", What: "system call latency, five maps"},
	{Name: "firewall", source: "bench_firewall", What: "XDP and tc, tail calls, map of maps"},
	{Name: "config", source: "bench_config", What: "global data in seven sections"},
	{Name: "agent", source: "bench_agent", CORE: true, What: "29 programs, 18 maps, all structs"},
	{Name: "core_many", source: "core_many", CORE: true, What: "CO-RE records of twelve types that alternate"},
	{Name: "big_60", source: "big_60", What: "60 maps, 32 programs"},
	{Name: "big_100", source: "big_100", What: "100 maps, 100 programs"},
	{Name: "big_200", source: "scale/many", cflags: []string{"-DN=200"}, CORE: true, What: "200 maps, programs, globals"},
}

// subject is a compiled object.
type subject struct {
	benchObject
	Path string // of the ELF file
	Obj  *object.Object
	Spec *spec.Spec
}

func (o benchObject) options() testobj.Options { return testobj.Options{CFlags: o.cflags} }

// prepare compiles an object and makes its loader.
func (o benchObject) prepare(ctx context.Context) (*subject, error) {
	path, err := testobj.Build(ctx, o.source, o.options())
	if err != nil {
		return nil, err
	}
	return read(o, path)
}

// read reads a compiled object and makes its loader.
func read(o benchObject, path string) (s *subject, err error) {
	s = &subject{benchObject: o, Path: path}
	if s.Obj, err = object.Read(path); err != nil {
		return nil, fmt.Errorf("%s: %w", o.Name, err)
	}
	if s.Spec, err = loader.Generate(s.Obj, loader.Options{}); err != nil {
		return nil, fmt.Errorf("%s: %w", o.Name, err)
	}
	return s, nil
}

// records returns the number of CO-RE records in all programs.
func (s *subject) records() int {
	n := 0
	for _, p := range s.Obj.Programs {
		n += len(p.CORERelos)
	}
	return n
}

// selectObjects returns the objects and the refused objects that a list names, or all of them.
func selectObjects(all []benchObject, refused []refusedObject, list string) ([]benchObject, []refusedObject, error) {
	if list == "" {
		return all, refused, nil
	}
	var chosen []benchObject
	var chosenRefused []refusedObject
	for name := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(all, func(o benchObject) bool { return o.Name == name })
		j := slices.IndexFunc(refused, func(o refusedObject) bool { return o.Name == name })
		switch {
		case i >= 0:
			chosen = append(chosen, all[i])
		case j >= 0:
			chosenRefused = append(chosenRefused, refused[j])
		default:
			return nil, nil, fmt.Errorf("unknown object %q", name)
		}
	}
	return chosen, chosenRefused, nil
}
