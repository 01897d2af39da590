package uprobe

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
)

// find returns the path of an executable or library. A name with a slash is already a path.
func find(name string) (string, error) {
	switch {
	case name == "":
		return "", errors.New("the file's name is empty")
	case strings.Contains(name, "/"):
		return name, nil
	case strings.Contains(name, ".so"):
		return findLibrary(name, libraryCache)
	}
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/bin", "/usr/sbin", "/usr/local/bin") {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return file, nil
		}
	}
	return "", fmt.Errorf("%w: not a command in PATH; use a library name such as libc.so.6, or a path", notFound(name))
}

// libraryCache is the file that ldconfig writes for the dynamic linker.
const libraryCache = "/etc/ld.so.cache"

// findLibrary looks for a library where the dynamic linker does, except where an executable asks it
// to (DT_RUNPATH).
func findLibrary(name, cache string) (string, error) {
	var similar []string
	cached, entries := "", readCache(cache)
	for _, e := range entries {
		switch {
		case e.name == name && isNative(e.path):
			if cached == "" {
				cached = e.path
			}
		case strings.HasPrefix(e.name, name):
			similar = append(similar, e.name)
		}
	}
	for _, dir := range filepath.SplitList(os.Getenv("LD_LIBRARY_PATH")) {
		if file := filepath.Join(dir, name); isNative(file) {
			return file, nil
		}
	}
	if cached != "" {
		return cached, nil
	}
	for _, dir := range libraryDirs() {
		if file := filepath.Join(dir, name); isNative(file) {
			return file, nil
		}
	}
	if len(similar) > 0 {
		return "", fmt.Errorf("%w: did you mean %s?", notFound(name), strings.Join(similar, ", "))
	}
	return "", notFound(name)
}

// libraryDirs returns the library directories of distributions for this architecture.
func libraryDirs() []string {
	dirs := []string{"/lib", "/usr/lib", "/lib64", "/usr/lib64", "/usr/local/lib"}
	triplet := map[string]string{
		"amd64": "x86_64-linux-gnu", "386": "i386-linux-gnu", "arm64": "aarch64-linux-gnu", "arm": "arm-linux-gnueabihf",
		"s390x": "s390x-linux-gnu", "riscv64": "riscv64-linux-gnu", "ppc64le": "powerpc64le-linux-gnu",
		"loong64": "loongarch64-linux-gnu", "mips64le": "mips64el-linux-gnuabi64",
	}[goruntime.GOARCH]
	if triplet != "" {
		dirs = append([]string{"/lib/" + triplet, "/usr/lib/" + triplet}, dirs...)
	}
	return dirs
}

var machines = map[string]elf.Machine{
	"amd64": elf.EM_X86_64, "386": elf.EM_386, "arm64": elf.EM_AARCH64, "arm": elf.EM_ARM, "s390x": elf.EM_S390,
	"riscv64": elf.EM_RISCV, "ppc64le": elf.EM_PPC64, "ppc64": elf.EM_PPC64, "loong64": elf.EM_LOONGARCH,
	"mips64": elf.EM_MIPS, "mips64le": elf.EM_MIPS, "mips": elf.EM_MIPS, "mipsle": elf.EM_MIPS,
}

// isNative reports whether a file is an ELF file for this architecture. A system may have libraries
// for several.
func isNative(file string) bool {
	f, err := elf.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	want, known := machines[goruntime.GOARCH]
	return !known || f.Machine == want
}
