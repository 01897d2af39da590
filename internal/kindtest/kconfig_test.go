//vmtest:all,5.10

package kindtest

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/kconfig"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/kconfigmissing"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testfs"
	"github.com/bpf2lskel/bpf2lskel/runtime"
	"github.com/bpf2lskel/bpf2lskel/runtime/impl"
)

// machineConfig returns the configuration of this machine's kernel, on Debian a file in /boot.
func machineConfig(t *testing.T) string {
	t.Helper()
	if f, err := os.Open("/proc/config.gz"); err == nil {
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	text, err := os.ReadFile("/boot/config-" + sys.Release())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// seen runs the program and returns what it saw.
func seen(t *testing.T, s *kconfig.Skeleton) kconfig.BssSection {
	t.Helper()
	if _, err := s.Progs.Look.Test(runtime.RawTracepointArgs{}); err != nil {
		t.Fatalf("%+v", err)
	}
	return *s.Bss
}

// A program sees the kernel's configuration, and Go sees the same.
func TestKconfig(t *testing.T) {
	s := loaded(t, kconfig.Open)
	direct, err := kconfig.Load()
	if err != nil {
		t.Fatal(err)
	}
	defer direct.Close()
	if *direct.Kconfig != *s.Kconfig {
		t.Errorf("without Open: %+v, with it: %+v", *direct.Kconfig, *s.Kconfig)
	}
	got, k := seen(t, s), s.Kconfig
	want := kconfig.BssSection{Version: k.LINUX_KERNEL_VERSION, Hz: int32(k.CONFIG_HZ), Syscall: 1}
	if k.LINUX_HAS_BPF_COOKIE {
		want.Cookie = 1
	}
	if got != want {
		t.Errorf("the program sees %+v, Go %+v", got, *k)
	}
	hz := regexp.MustCompile(`(?m)^CONFIG_HZ=(\d+)$`).FindStringSubmatch(machineConfig(t))
	if hz == nil || strconv.Itoa(int(got.Hz)) != hz[1] {
		t.Errorf("CONFIG_HZ is %d, in the kernel's configuration %q", got.Hz, hz)
	}
	linux := sys.KernelVersion()
	if got.Version>>8 != int32(linux[0]<<8|linux[1]) {
		t.Errorf("LINUX_KERNEL_VERSION is %#x on Linux %v", got.Version, linux)
	}
	if !k.LINUX_HAS_BPF_COOKIE && !linux.Before(sys.Version{5, 15}) {
		t.Error("LINUX_HAS_BPF_COOKIE is false")
	}
}

// A value set between Open and Load overrides the caller's configuration, which overrides the
// machine's.
func TestKconfigPrecedence(t *testing.T) {
	s := opened(t, kconfig.Open)
	if !s.Kconfig.CONFIG_BPF_SYSCALL || s.Kconfig.CONFIG_HZ == 0 || s.Kconfig.LINUX_KERNEL_VERSION == 0 {
		t.Errorf("after Open: %+v", *s.Kconfig)
	}
	s.Kconfig.CONFIG_HZ = 12345
	s.Kconfig.CONFIG_BPF_SYSCALL = false
	s.Kconfig.LINUX_KERNEL_VERSION = 7
	own := runtime.KconfigReader(strings.NewReader("# CONFIG_X is not set\nCONFIG_HZ=1\nCONFIG_BPF_SYSCALL=y\n" +
		"CONFIG_BPF2LSKEL_STATE=m\nCONFIG_BPF2LSKEL_STATE=y\nCONFIG_BPF2LSKEL_SHORT=-2\nCONFIG_BPF2LSKEL_TEXT=\"seven letters\"\n"))
	if err := s.LoadWith(&runtime.LoadOptions{Kconfig: own}); err != nil {
		t.Fatal(err)
	}
	want := kconfig.BssSection{Version: 7, Hz: 12345, State: 2, Number: -2, Text: [8]byte([]byte("seven l\x00"))}
	if s.Kconfig.LINUX_HAS_BPF_COOKIE {
		want.Cookie = 1
	}
	if got := seen(t, s); got != want {
		t.Errorf("the program sees %+v, want %+v", got, want)
	}
	if s.Kconfig.CONFIG_HZ != 12345 || s.Kconfig.CONFIG_BPF2LSKEL_STATE != kconfig.LibbpfTristateTRI_MODULE {
		t.Errorf("after Load: %+v", *s.Kconfig)
	}
}

// A configuration can be used for many loads, also concurrently, compressed or not.
func TestKconfigReader(t *testing.T) {
	text := "CONFIG_HZ=77\nCONFIG_BPF_SYSCALL=n\n"
	var compressed bytes.Buffer
	z := gzip.NewWriter(&compressed)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, own := range map[string]*runtime.KconfigSource{
		"file": runtime.KconfigFile(path), "reader": runtime.KconfigReader(strings.NewReader(text)), "gzip": runtime.KconfigReader(&compressed),
	} {
		t.Run(name, func(t *testing.T) {
			var loads sync.WaitGroup
			for range 3 {
				loads.Go(func() {
					s, err := kconfig.Open()
					if err != nil {
						t.Error(err)
						return
					}
					defer s.Close()
					if err := s.LoadWith(&runtime.LoadOptions{Kconfig: own}); err != nil {
						t.Error(err)
					} else if s.Kconfig.CONFIG_HZ != 77 || s.Kconfig.CONFIG_BPF_SYSCALL {
						t.Errorf("%+v", *s.Kconfig)
					}
				})
			}
			loads.Wait()
		})
	}
}

// A missing value is an error that names the variable, the value that was found, and the file. The
// load can be retried.
func TestKconfigErrors(t *testing.T) {
	missing := opened(t, kconfigmissing.Open)
	for _, c := range []struct {
		own   *runtime.KconfigSource
		named bool // a KconfigError
		want  []string
	}{
		{nil, true, []string{"load kconfigmissing: ", "CONFIG_BPF2LSKEL_MISSING: not set in /", "config", "__weak"}},
		{runtime.KconfigReader(strings.NewReader("")), true, []string{"not set in LoadOptions.Kconfig, nor in /"}},
		{runtime.KconfigReader(strings.NewReader("CONFIG_BPF2LSKEL_MISSING=256\n")), true, []string{
			"CONFIG_BPF2LSKEL_MISSING=256 in LoadOptions.Kconfig: ", "uint8_t",
		}},
		{runtime.KconfigReader(strings.NewReader("CONFIG_BPF2LSKEL_MISSING=-1\n")), true, []string{"=-1 in ", "uint8_t"}},
		{runtime.KconfigReader(strings.NewReader("CONFIG_BPF2LSKEL_MISSING=\"y\"\n")), true, []string{`="y" in `, "uint8_t"}},
		{runtime.KconfigReader(strings.NewReader("CONFIG_BPF2LSKEL_MISSING=yes\n")), true, []string{"=yes in ", "want y, m, n, a quoted string or a number"}},
		{runtime.KconfigReader(strings.NewReader("\nCONFIG_BPF2LSKEL_MISSING\n")), false, []string{"LoadOptions.Kconfig: line 2: ", "no value"}},
		{runtime.KconfigReader(strings.NewReader("\x1f\x8bnonsense")), false, []string{"LoadOptions.Kconfig: gzip: "}},
		{runtime.KconfigReader(strings.NewReader("CONFIG_BPF2LSKEL_MISSING=1\x00\r\n")), true, []string{`="1\x00\r" in `}},
		{runtime.KconfigReader(strings.NewReader("CONFIG_BPF2LSKEL_MISSING=" + strings.Repeat("1", 1<<20))), true, []string{`="` + strings.Repeat("1", 80) + `" in `}},
		{runtime.KconfigFile("/nowhere"), false, []string{"/nowhere: no such file"}},
		{runtime.KconfigFile("/proc/version"), false, []string{"/proc/version: not a kernel configuration"}},
		{runtime.KconfigReader(nil), false, []string{"LoadOptions.Kconfig: the reader is nil"}},
		{new(runtime.KconfigSource), false, []string{"LoadOptions.Kconfig is a zero value"}},
	} {
		err := missing.LoadWith(&runtime.LoadOptions{Kconfig: c.own})
		var load *runtime.LoadError
		var named *runtime.KconfigError
		if !errors.As(err, &load) || errors.As(err, &named) != c.named || c.named && named.Name != "CONFIG_BPF2LSKEL_MISSING" {
			t.Errorf("%T %v, want one that names a variable: %v", err, err, c.named)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q in it", err, want)
			}
		}
	}
	if err := missing.LoadWith(&runtime.LoadOptions{Kconfig: runtime.KconfigFile("/nowhere")}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v does not wrap ErrNotExist", err)
	}
	missing.Kconfig.CONFIG_BPF2LSKEL_MISSING = 3
	if err := missing.Load(); err != nil {
		t.Errorf("set before the load: %v", err)
	}
	if _, err := kconfigmissing.Load(); err == nil {
		t.Error("the load succeeded")
	}
	for i, m := range missing.Core().Spec().Maps {
		if m.Kind != impl.Kconfig {
			continue
		}
		s := opened(t, kconfigmissing.Open)
		if err := runtime.ReuseMap(s.Core(), s.Core().Map(i), missing.Core().Map(i)); err == nil || !strings.Contains(err.Error(), "LoadOptions.Kconfig") {
			t.Errorf("reuse map %s: %v", m.Name, err)
		}
	}
}

// Without any configuration weak variables are zero, and a strong one is an error that names all
// files that were tried.
func TestKconfigWithoutFiles(t *testing.T) {
	guest.Only(t)
	testfs.At(t, "tmpfs", "/boot")
	s := opened(t, kconfig.Open)
	if k := *s.Kconfig; k.CONFIG_HZ != 0 || k.LINUX_KERNEL_VERSION == 0 {
		t.Errorf("after Open: %+v", k)
	}
	err := s.Load()
	if err == nil {
		t.Fatal("the load succeeded")
	}
	for _, want := range []string{": not set in /proc/config.gz (no such file or directory), nor in /boot/config-" + sys.Release() + " (no such"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q in it", err, want)
		}
	}
	err = s.LoadWith(&runtime.LoadOptions{Kconfig: runtime.KconfigReader(strings.NewReader("CONFIG_HZ=9\nCONFIG_BPF_SYSCALL=y\n"))})
	if err != nil {
		t.Fatal(err)
	}
	if got := seen(t, s); got.Hz != 9 || got.Syscall != 1 || got.State != 0 || got.Number != 0 {
		t.Errorf("%+v", got)
	}
}
