package main

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// wantedModules are the modules that a guest has in /modules, if its kernel has them as modules.
// load reports whether init inserts them: without these, few programs can be attached. Tests insert
// and remove the others.
var wantedModules = []struct {
	Name     string
	Load     bool
	Required bool
}{
	{Name: "veth", Load: true},
	{Name: "dummy", Load: true},
	{Name: "sch_ingress", Load: true},
	{Name: "cls_bpf", Load: true},
	{Name: "act_bpf", Load: true},
	{Name: "nf_conntrack", Required: true},
	{Name: "nf_conntrack_netlink"},
	{Name: "nf_nat"},
	{Name: "nf_tables"},
	{Name: "nft_ct"},
	{Name: "tun"},
	{Name: "vrf"},
	{Name: "fou"},
	{Name: "xfrm_interface"},
	{Name: "tcp_bbr"},
	{Name: "tcp_dctcp"},
}

// modules maps the names of a kernel's loadable modules to their files.
type modules map[string]string

// indexModules reads a directory /lib/modules/RELEASE.
func indexModules(tree string) (modules, error) {
	m := modules{}
	return m, filepath.WalkDir(filepath.Join(tree, "kernel"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.Contains(d.Name(), ".ko") {
			m[moduleName(path)] = path
		}
		return err
	})
}

// moduleName returns the kernel's name for the module in a file: nf_conntrack for
// nf-conntrack.ko.xz.
func moduleName(path string) string {
	name, _, _ := strings.Cut(filepath.Base(path), ".ko")
	return strings.ReplaceAll(name, "-", "_")
}

// load returns the contents of the module's file, unpacked.
func (m modules) load(name string) ([]byte, error) {
	path, ok := m[name]
	if !ok {
		return nil, fmt.Errorf("no module %s", name)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	switch filepath.Ext(path) {
	case ".ko":
		return raw, nil
	case ".xz":
		return decompress(raw, "xz")
	case ".zst":
		return decompress(raw, "zstd")
	case ".gz":
		return decompress(raw, "gzip")
	}
	return nil, fmt.Errorf("%s: unknown compression", path)
}

// depends returns the modules that a module names as its dependencies, except for those that are
// built into the kernel.
func (m modules) depends(module []byte) ([]string, error) {
	f, err := elf.NewFile(bytes.NewReader(module))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	section := f.Section(".modinfo")
	if section == nil {
		return nil, fmt.Errorf("no .modinfo")
	}
	info, err := section.Data()
	if err != nil {
		return nil, err
	}
	return m.parseDepends(info), nil
}

// parseDepends reads the contents of a .modinfo section.
func (m modules) parseDepends(info []byte) []string {
	var names []string
	for entry := range bytes.SplitSeq(info, []byte{0}) {
		if list, ok := strings.CutPrefix(string(entry), "depends="); ok && list != "" {
			for name := range strings.SplitSeq(list, ",") {
				names = append(names, moduleName(name))
			}
		}
		// Modules that the kernel would load through modprobe, which guests do not have. A softdep
		// may name a crypto algorithm, such as "crc32c" for libcrc32c; its generic implementation
		// is crc32c_generic.
		if list, ok := strings.CutPrefix(string(entry), "softdep=pre: "); ok {
			list, _, _ = strings.Cut(list, "post:")
			for name := range strings.FieldsSeq(list) {
				for _, candidate := range []string{moduleName(name), moduleName(name) + "_generic"} {
					if _, ok := m[candidate]; ok {
						names = append(names, candidate)
						break
					}
				}
			}
		}
	}
	return names
}

// loadOrder returns name and all its dependencies, each after its own dependencies.
func loadOrder(name string, depends func(name string) ([]string, error)) ([]string, error) {
	var order []string
	const visiting, done = 1, 2
	state := map[string]int{}
	var visit func(name string) error
	visit = func(name string) error {
		switch state[name] {
		case done:
			return nil
		case visiting:
			return fmt.Errorf("module %s depends on itself", name)
		}
		state[name] = visiting
		needed, err := depends(name)
		if err != nil {
			return err
		}
		for _, n := range needed {
			if err := visit(n); err != nil {
				return fmt.Errorf("needed by %s: %w", name, err)
			}
		}
		state[name] = done
		order = append(order, name)
		return nil
	}
	if err := visit(name); err != nil {
		return nil, err
	}
	return order, nil
}

// decompress pipes data through a decompression tool.
func decompress(data []byte, tool string) ([]byte, error) {
	cmd := exec.Command(tool, "-dc")
	cmd.Stdin = bytes.NewReader(data)
	return output(cmd)
}
