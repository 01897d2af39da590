package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSuiteSources(t *testing.T) {
	const deb822 = `# Written by the installer

Types: deb
# a snapshot
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
`
	const oneLine = `# deb cdrom:[Debian]/ bookworm main
deb cdrom:[Debian]/ bookworm main
deb [arch=amd64 trusted=yes] http://mirror.example/debian/ bookworm main contrib
deb http://mirror.example/debian-security bookworm-security main
`
	for _, c := range []struct {
		name, file, text, want string
	}{
		{"deb822", "sources.list.d/debian.sources", deb822, `Types: deb
URIs: http://mirror.example/debian
Suites: trixie
Architectures: s390x
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
`},
		{"one line", "sources.list", oneLine, `Types: deb
URIs: http://mirror.example/debian/
Suites: trixie
Architectures: s390x
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			apt := t.TempDir()
			file := filepath.Join(apt, c.file)
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(c.text), 0o644); err != nil {
				t.Fatal(err)
			}
			got, err := suiteSources(apt, "trixie", s390x)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("none", func(t *testing.T) {
		if _, err := suiteSources(t.TempDir(), "trixie", amd64); err == nil {
			t.Error("no error without a mirror")
		}
	})
}

func TestParsePackages(t *testing.T) {
	const shown = `Package: linux-headers-6.1.0-50-cloud-amd64
Source: linux
Version: 6.1.176-1
Depends: linux-headers-6.1.0-50-common (= 6.1.176-1), linux-kbuild-6.1 (>= 6.1.176-1), linux-compiler-gcc-12-x86
Description: Header files
 Version: not this one

Package: busybox-static
Version: 1:1.35.0-4+b1
`
	got, err := parsePackages(strings.NewReader(shown))
	if err != nil {
		t.Fatal(err)
	}
	want := []pkg{
		{
			Name: "linux-headers-6.1.0-50-cloud-amd64", Version: "6.1.176-1",
			Depends: "linux-headers-6.1.0-50-common (= 6.1.176-1), linux-kbuild-6.1 (>= 6.1.176-1), linux-compiler-gcc-12-x86",
		},
		{Name: "busybox-static", Version: "1:1.35.0-4+b1"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"linux-headers-6.1.0-50-common", "linux-kbuild-6.1"}, headerDepends(got[0].Depends)); diff != "" {
		t.Error(diff)
	}
	if got := got[0].release(); got != "6.1.0-50-cloud-amd64" {
		t.Errorf("release %q", got)
	}
}
