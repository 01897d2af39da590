package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/cilium/ebpf"

	"github.com/bpf2lskel/bpf2lskel/internal/explain"
	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/loader"
	"github.com/bpf2lskel/bpf2lskel/runtime"
	"github.com/bpf2lskel/bpf2lskel/runtime/kfunccheck"
	_ "github.com/bpf2lskel/bpf2lskel/runtime/oldkernel" // for kernels without loader programs
)

// loadedMap and loadedProgram hold what load prints, with bpftool's names.
type loadedMap struct {
	ID         uint32 `json:"id"`
	Name       string `json:"name"`
	Type       string `json:"type"`
	KeySize    uint32 `json:"key_size"`
	ValueSize  uint32 `json:"value_size"`
	MaxEntries uint32 `json:"max_entries"`
	Flags      uint32 `json:"flags"`
	Frozen     bool   `json:"frozen"`
}

type loadedProgram struct {
	ID     uint32 `json:"id"`
	Name   string `json:"name"`
	Type   string `json:"type"`
	Tag    string `json:"tag"`
	Xlated int    `json:"bytes_xlated"`
	Jited  uint32 `json:"bytes_jited"`
}

type loadedObject struct {
	Maps     []loadedMap     `json:"maps"`
	Programs []loadedProgram `json:"programs"`
}

// load loads an object through its loader, without generating Go code.
func load(args []string, stdout, stderr io.Writer) error {
	fs := flag.NewFlagSet("bpf2lskel load", flag.ContinueOnError)
	asJSON := fs.Bool("json", false, "print JSON")
	pinDir := fs.String("pin", "", "create this `directory` in a BPF file system, and pin all maps and programs there")
	pinPath := fs.String("pin-path", "", "`directory` of the maps that the source pins by name (default /sys/fs/bpf)")
	file, err := parseFile(fs, "Usage: bpf2lskel load [-json] [-pin DIR] [-pin-path DIR] FILE.o\n\nLoads an object on this kernel, and prints its maps and programs.\n\n", args, stdout)
	if err != nil {
		return err
	}
	obj, err := object.Read(file)
	if err != nil {
		return err
	}
	if bo := obj.ByteOrder; bo.Uint16([]byte{1, 0}) != binary.NativeEndian.Uint16([]byte{1, 0}) {
		return fmt.Errorf("%s: compiled for %v, unlike this machine: compile it with clang -target bpf", file, bo)
	}
	spec, err := loader.Generate(obj, loader.Options{})
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	warn(&printableWriter{w: stderr}, file, obj)
	if err := compareVariables(obj); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	skel, err := runtime.Load(spec, &runtime.LoadOptions{
		Kfuncs: kfunccheck.Compare, Pins: &runtime.PinOptions{Path: *pinPath},
	})
	if err != nil {
		if failure := (*runtime.LoadError)(nil); errors.As(err, &failure) {
			printFailure(&printableWriter{w: stderr}, spec, failure)
			failure.Hint = hintForCommand(failure.Hint)
		}
		return fmt.Errorf("%s: %w", file, err)
	}
	defer skel.Close()

	result, err := describe(skel)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if *pinDir != "" {
		if err := pin(skel, *pinDir); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	if *asJSON {
		enc := json.NewEncoder(stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(result)
	}
	return result.print(stdout)
}

// describe queries the kernel for the maps and programs that were created.
func describe(skel *runtime.Skeleton) (*loadedObject, error) {
	out := &loadedObject{Maps: []loadedMap{}, Programs: []loadedProgram{}}
	for i := range skel.Spec().Maps {
		m := skel.Map(i)
		if m.FD() < 0 {
			continue
		}
		info, err := mapInfo(m)
		if err != nil {
			return nil, fmt.Errorf("map %s: %w", m.Name(), err)
		}
		out.Maps = append(out.Maps, info)
	}
	for i := range skel.Spec().Programs {
		p := skel.Program(i)
		if p.FD() < 0 {
			continue
		}
		info, err := programInfo(p)
		if err != nil {
			return nil, fmt.Errorf("program %s: %w", p.Name(), err)
		}
		out.Programs = append(out.Programs, info)
	}
	return out, nil
}

func mapInfo(handle *runtime.Map) (loadedMap, error) {
	fd, err := handle.DupFD()
	if err != nil {
		return loadedMap{}, err
	}
	m, err := ebpf.NewMapFromFD(fd)
	if err != nil {
		return loadedMap{}, err
	}
	defer m.Close()
	info, err := m.Info()
	if err != nil {
		return loadedMap{}, err
	}
	id, _ := info.ID()
	return loadedMap{
		ID:         uint32(id),
		Name:       info.Name,
		Type:       sys.MapTypeName(uint32(info.Type)),
		KeySize:    info.KeySize,
		ValueSize:  info.ValueSize,
		MaxEntries: info.MaxEntries,
		Flags:      info.Flags,
		Frozen:     info.Frozen(),
	}, nil
}

func programInfo(handle *runtime.Program) (loadedProgram, error) {
	fd, err := handle.DupFD()
	if err != nil {
		return loadedProgram{}, err
	}
	p, err := ebpf.NewProgramFromFD(fd)
	if err != nil {
		return loadedProgram{}, err
	}
	defer p.Close()
	info, err := p.Info()
	if err != nil {
		return loadedProgram{}, err
	}
	id, _ := info.ID()
	// The kernel reports sizes and addresses as 0 to unprivileged processes.
	xlated, _ := info.TranslatedSize()
	jited, _ := info.JitedSize()
	return loadedProgram{
		ID:     uint32(id),
		Name:   handle.Name(), // info.Name is truncated to 15 bytes
		Type:   sys.ProgTypeName(uint32(info.Type)),
		Tag:    info.Tag,
		Xlated: xlated,
		Jited:  jited,
	}, nil
}

func (o *loadedObject) print(stdout io.Writer) error {
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	if len(o.Maps) > 0 {
		fmt.Fprintln(w, "MAP\tID\tTYPE\tKEY\tVALUE\tMAX ENTRIES\tFLAGS\t")
		for _, m := range o.Maps {
			frozen := ""
			if m.Frozen {
				frozen = " frozen"
			}
			fmt.Fprintf(w, "%s\t%d\t%s\t%d\t%d\t%d\t%#x%s\t\n", m.Name, m.ID, m.Type, m.KeySize, m.ValueSize, m.MaxEntries, m.Flags, frozen)
		}
	}
	if len(o.Programs) > 0 {
		fmt.Fprintln(w, "PROGRAM\tID\tTYPE\tTAG\tBYTES\tJITED\t")
		for _, p := range o.Programs {
			fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%d\t%d\t\n", p.Name, p.ID, p.Type, p.Tag, p.Xlated, p.Jited)
		}
	}
	return w.Flush()
}

// pin pins all maps and programs under their names in C. If it fails, nothing stays pinned.
func pin(skel *runtime.Skeleton, dir string) (err error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		if hint := explain.PinHint(sys.ErrnoOf(err)); hint != "" {
			err = fmt.Errorf("%w (%s)", err, hint)
		}
		return err
	}
	pinned := []string{dir}
	defer func() {
		if err != nil {
			for i := len(pinned) - 1; i >= 0; i-- {
				_ = os.Remove(pinned[i])
			}
		}
	}()
	add := func(name string, fd int, pin func(path string) error) error {
		if fd < 0 {
			return nil // not loaded
		}
		path := filepath.Join(dir, pinName(name))
		if err := pin(path); err != nil {
			return err
		}
		pinned = append(pinned, path)
		return nil
	}
	for i := range skel.Spec().Maps {
		m := skel.Map(i)
		if err := add(m.Name(), m.FD(), m.Pin); err != nil {
			return err
		}
	}
	for i := range skel.Spec().Programs {
		p := skel.Program(i)
		if err := add(p.Name(), p.FD(), p.Pin); err != nil {
			return err
		}
	}
	return nil
}

// pinName replaces dots, which a BPF file system reserves, as libbpf does.
func pinName(name string) string { return strings.ReplaceAll(name, ".", "_") }
