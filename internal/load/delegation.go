package load

import (
	"strconv"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// A delegation holds the masks of what a token allows. A mask that cannot be read counts as
// allowing everything.
type delegation struct {
	_ incomparable

	cmds, maps, progs, attachs uint64
}

// delegatedBy reads what a token allows (bpf_token_show_fdinfo).
func delegatedBy(token int) delegation {
	d := delegation{cmds: ^uint64(0), maps: ^uint64(0), progs: ^uint64(0), attachs: ^uint64(0)}
	text, err := sys.ReadFile("/proc/thread-self/fdinfo/" + strconv.Itoa(token))
	if err != nil {
		return d
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		mask := map[string]*uint64{"allowed_cmds": &d.cmds, "allowed_maps": &d.maps, "allowed_progs": &d.progs, "allowed_attachs": &d.attachs}[name]
		if mask == nil {
			continue
		}
		if n, err := strconv.ParseUint(strings.TrimSpace(value), 0, 64); err == nil { // otherwise "any"
			*mask = n
		}
	}
	return d
}

// lacks describes what the failed operation needs but the token of the BPF file system at path does
// not delegate, or returns "".
func (d delegation) lacks(f *spec.Failure, path string) string {
	says := "the BPF token of " + path + " does not delegate "
	cmd := func(c sys.Cmd, name string) string {
		if d.cmds>>c&1 == 0 {
			return says + "the command " + name + " (delegate_cmds)"
		}
		return ""
	}
	program := func(typ, attach uint32, what string) string {
		switch {
		case cmd(sys.CmdProgLoad, "prog_load") != "":
			return cmd(sys.CmdProgLoad, "prog_load")
		case d.progs>>typ&1 == 0:
			return says + "programs of type " + sys.ProgTypeName(typ) + ", the type of " + what + " (delegate_progs)"
		case d.attachs>>attach&1 == 0:
			return says + "attach type " + strconv.Itoa(int(attach)) + ", that of " + what + " (delegate_attachs)"
		}
		return ""
	}
	newMap := func(typ uint32, what string) string {
		if lacks := cmd(sys.CmdMapCreate, "map_create"); lacks != "" {
			return lacks
		}
		if d.maps>>typ&1 == 0 {
			return says + "maps of type " + sys.MapTypeName(typ) + ", the type of " + what + " (delegate_maps)"
		}
		return ""
	}
	switch {
	case f.Op == spec.OpCreateBlob:
		return newMap(sys.MapTypeArray, "the loader's map")
	case f.Op == spec.OpLoadLoader:
		return program(sys.ProgTypeSyscall, 0, "the loader")
	case f.Op != spec.OpStep:
		return ""
	}
	switch step := &f.Spec.Steps[f.Step]; step.Kind {
	case spec.StepLoadBTF:
		return cmd(sys.CmdBtfLoad, "btf_load")
	case spec.StepCreateMap:
		return newMap(f.Spec.Maps[step.Index].Type, "map "+f.Spec.Maps[step.Index].Name)
	case spec.StepCreateInner:
		return newMap(f.Spec.Word(step.Attr), "the inner map of "+f.Spec.Maps[step.Index].Name)
	case spec.StepLoadProgram:
		p := &f.Spec.Programs[step.Index]
		return program(p.Type, p.AttachType, "program "+p.Name)
	}
	return ""
}
