package sameload

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// SkeletonSuffix is appended to an object's path to name its light skeleton, generated beforehand
// for a machine without bpftool. ErrorSuffix names bpftool's error message if it could not generate
// one.
const (
	SkeletonSuffix = ".lskel.h"
	ErrorSuffix    = ".lskel.err"
)

// LightSkeleton is libbpf's loader for an object, from the C header that bpftool generates.
type LightSkeleton struct {
	// Insns are the loader's instructions, Data its blob.
	Insns, Data []byte
	// Maps and Programs are the names of those it creates, in the order of its context, as C
	// identifiers. For a map of global data this is the section's name without the leading dot and
	// with other dots replaced.
	Maps, Programs []string
}

// ErrNoLoader means that libbpf's loader generator does not support an object.
var ErrNoLoader = errors.New("libbpf cannot make a loader of it")

// WriteSkeleton generates an object's light skeleton for use by [Reference] on another machine.
func WriteSkeleton(ctx context.Context, obj string) error {
	header, err := generate(ctx, obj)
	if errors.Is(err, ErrNoLoader) {
		return os.WriteFile(obj+ErrorSuffix, []byte(err.Error()), 0o644)
	}
	if err != nil {
		return err
	}
	return os.WriteFile(obj+SkeletonSuffix, header, 0o644)
}

// LoaderInsns returns the number of instructions of libbpf's loader for an object.
func LoaderInsns(obj string) (int, error) {
	s, err := skeleton(context.Background(), obj)
	if err != nil {
		return 0, err
	}
	return len(s.Insns) / int(insnSize), nil
}

// skeleton generates an object's light skeleton, or uses one that was generated beforehand.
func skeleton(ctx context.Context, obj string) (*LightSkeleton, error) {
	if header, err := os.ReadFile(obj + SkeletonSuffix); err == nil {
		return parseSkeleton(header)
	}
	if said, err := os.ReadFile(obj + ErrorSuffix); err == nil {
		return nil, fmt.Errorf("%w: %s", ErrNoLoader, strings.TrimPrefix(string(said), ErrNoLoader.Error()+": "))
	}
	header, err := generate(ctx, obj)
	if err != nil {
		return nil, err
	}
	return parseSkeleton(header)
}

func generate(ctx context.Context, obj string) ([]byte, error) {
	var stderr bytes.Buffer
	// Without a name, bpftool would call "x.bpf.o" "x_bpf" and name data maps accordingly.
	name, _, _ := strings.Cut(filepath.Base(obj), ".")
	cmd := exec.CommandContext(ctx, "bpftool", "gen", "skeleton", "-L", obj, "name", name)
	cmd.Stderr = &stderr
	header, err := cmd.Output()
	if err == nil {
		return header, nil
	}
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		// bpftool crashes on some objects, which says nothing about the object.
		return nil, fmt.Errorf("%w: %w: %s", ErrNoLoader, err, reason(stderr.String()))
	}
	return nil, err
}

var (
	mapDesc  = regexp.MustCompile(`(?m)^\t\tstruct bpf_map_desc (\w+);$`)
	progDesc = regexp.MustCompile(`(?m)^\t\tstruct bpf_prog_desc (\w+);$`)
	// bpftool 7.1 assigns string literals to fields; later versions use static arrays.
	dataText  = regexp.MustCompile(`(?s)(?:opts\.data = \(void \*\)|opts_data\[\][^=]*= )"(.*?)"`)
	insnsText = regexp.MustCompile(`(?s)(?:opts\.insns = \(void \*\)|opts_insn\[\][^=]*= )"(.*?)"`)
)

// parseSkeleton parses a light skeleton's C header.
func parseSkeleton(header []byte) (*LightSkeleton, error) {
	s := &LightSkeleton{Maps: submatches(mapDesc, header), Programs: submatches(progDesc, header)}
	var err error
	if s.Data, err = literal(dataText, header); err != nil {
		return nil, fmt.Errorf("light skeleton's blob: %w", err)
	}
	if s.Insns, err = literal(insnsText, header); err != nil {
		return nil, fmt.Errorf("light skeleton's instructions: %w", err)
	}
	return s, nil
}

func submatches(re *regexp.Regexp, text []byte) []string {
	var all []string
	for _, m := range re.FindAllSubmatch(text, -1) {
		all = append(all, string(m[1]))
	}
	return all
}

// literal reads a C string literal that consists only of `\0`, `\xHH` and line continuations.
func literal(re *regexp.Regexp, text []byte) ([]byte, error) {
	m := re.FindSubmatch(text)
	if m == nil {
		return nil, errors.New("not there")
	}
	var out []byte
	for esc := range strings.SplitSeq(strings.ReplaceAll(string(m[1]), "\\\n", ""), `\`) {
		switch {
		case esc == "": // before the first backslash
		case esc == "0":
			out = append(out, 0)
		case len(esc) == 3 && esc[0] == 'x':
			b, err := strconv.ParseUint(esc[1:], 16, 8)
			if err != nil {
				return nil, err
			}
			out = append(out, byte(b))
		default:
			return nil, fmt.Errorf("unknown escape %q", esc)
		}
	}
	return out, nil
}

// reason returns the most telling line of libbpf's and bpftool's messages: libbpf's last one except
// for the summary, or the last line.
func reason(said string) string {
	lines := strings.Split(strings.TrimSpace(said), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		l := lines[i]
		if strings.HasPrefix(l, "libbpf: ") && !strings.HasPrefix(l, "libbpf: failed to load object") {
			return strings.TrimPrefix(l, "libbpf: ")
		}
	}
	return lines[len(lines)-1]
}
