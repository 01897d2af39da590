package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLoadOrder(t *testing.T) {
	needs := map[string][]string{
		"nf_conntrack_netlink": {"nf_conntrack", "nfnetlink"},
		"nf_conntrack":         {"nf_defrag_ipv6", "libcrc32c", "nf_defrag_ipv4"},
		"nf_defrag_ipv6":       nil, "nf_defrag_ipv4": nil, "nfnetlink": nil, "libcrc32c": nil,
		"egg": {"hen"}, "hen": {"egg"},
		"orphan": {"parent"},
	}
	depends := func(name string) ([]string, error) {
		if n, ok := needs[name]; ok {
			return n, nil
		}
		return nil, fmt.Errorf("no module %s", name)
	}
	got, err := loadOrder("nf_conntrack_netlink", depends)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"nf_defrag_ipv6", "libcrc32c", "nf_defrag_ipv4", "nf_conntrack", "nfnetlink", "nf_conntrack_netlink"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for name, problem := range map[string]string{"egg": "depends on itself", "orphan": "needed by orphan: no module parent"} {
		if _, err := loadOrder(name, depends); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDependsFromModinfo(t *testing.T) {
	m := modules{"crc32c_generic": "", "nf_defrag_ipv6": "", "libcrc32c": ""}
	const info = "license=GPL\x00softdep=pre: crc32c sha999 post: libcrc32c\x00depends=nf-defrag-ipv6,libcrc32c\x00name=x\x00"
	want := []string{"crc32c_generic", "nf_defrag_ipv6", "libcrc32c"}
	if diff := cmp.Diff(want, m.parseDepends([]byte(info))); diff != "" {
		t.Error(diff)
	}
	if got := m.parseDepends([]byte("depends=\x00")); got != nil {
		t.Errorf("a module without dependencies needs %q", got)
	}
}

func TestModuleName(t *testing.T) {
	for path, want := range map[string]string{
		"kernel/net/netfilter/nf_conntrack.ko.xz": "nf_conntrack",
		"kernel/crypto/crc32c-vx.ko":              "crc32c_vx",
		"veth":                                    "veth",
	} {
		if got := moduleName(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
