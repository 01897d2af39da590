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

// SkeletonSuffix is what is appended to an object's path to name its light skeleton, made
// beforehand for a machine that has no bpftool, and ErrorSuffix to name what bpftool said where it
// could not make one.
const (
	SkeletonSuffix = ".lskel.h"
	ErrorSuffix    = ".lskel.err"
)

// LightSkeleton is what bpftool writes about an object into a C header: libbpf's loader.
type LightSkeleton struct {
	// Insns are the loader's instructions, Data its blob.
	Insns, Data []byte
	// Maps and Programs are the names of those it creates, in the order in which its context has
	// them, as C identifiers: the section's name without the dot, dots replaced, for a map of
	// global data.
	Maps, Programs []string
}

// ErrNoLoader is for objects that libbpf's loader generator cannot do.
var ErrNoLoader = errors.New("libbpf cannot make a loader of it")

// WriteSkeleton makes an object's light skeleton for later use by [Reference] on another machine.
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

// LoaderInsns is the number of instructions of libbpf's loader for an object.
func LoaderInsns(obj string) (int, error) {
	s, err := skeleton(context.Background(), obj)
	if err != nil {
		return 0, err
	}
	return len(s.Insns) / int(insnSize), nil
}

// skeleton makes an object's light skeleton, or takes the one that was made beforehand.
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
	// Without a name bpftool calls "x.bpf.o" "x_bpf", and data maps accordingly.
	name, _, _ := strings.Cut(filepath.Base(obj), ".")
	cmd := exec.CommandContext(ctx, "bpftool", "gen", "skeleton", "-L", obj, "name", name)
	cmd.Stderr = &stderr
	header, err := cmd.Output()
	if err == nil {
		return header, nil
	}
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		// It crashes on some objects: a crash of the reference is no verdict on an object.
		return nil, fmt.Errorf("%w: %w: %s", ErrNoLoader, err, reason(stderr.String()))
	}
	return nil, err
}

var (
	mapDesc  = regexp.MustCompile(`(?m)^\t\tstruct bpf_map_desc (\w+);$`)
	progDesc = regexp.MustCompile(`(?m)^\t\tstruct bpf_prog_desc (\w+);$`)
	// bpftool 7.1 assigns string literals to fields; later ones make them static arrays.
	dataText  = regexp.MustCompile(`(?s)(?:opts\.data = \(void \*\)|opts_data\[\][^=]*= )"(.*?)"`)
	insnsText = regexp.MustCompile(`(?s)(?:opts\.insns = \(void \*\)|opts_insn\[\][^=]*= )"(.*?)"`)
)

// parseSkeleton reads the parts of a light skeleton from its C header.
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

// literal reads a C string literal that consists of `\0`, `\xHH` and line continuations only.
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

// reason is the line of libbpf's and bpftool's messages that says most: libbpf's last but the
// summary, or the last there is.
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
