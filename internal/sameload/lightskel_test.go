package sameload

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Skeletons from bpftool 7.1 and later versions are parsed.
func TestParseSkeleton(t *testing.T) {
	const head = `struct x {
	struct bpf_loader_ctx ctx;
	struct {
		struct bpf_map_desc counts;
		struct bpf_map_desc rodata_str1_1;
	} maps;
	struct {
		struct bpf_prog_desc count;
	} progs;
};
`
	const old = head + `	opts.data_sz = 4;
	opts.data = (void *)"\
\0\x01\
\xff\0";
	opts.insns_sz = 2;
	opts.insns = (void *)"\
\xbf\x16";
`
	const later = head + `	static const char opts_data[] __attribute__((__aligned__(8))) = "\
\0\x01\
\xff\0";
	static const char opts_insn[] __attribute__((__aligned__(8))) = "\
\xbf\x16";
`
	want := &LightSkeleton{
		Data: []byte{0, 1, 0xff, 0}, Insns: []byte{0xbf, 0x16},
		Maps: []string{"counts", "rodata_str1_1"}, Programs: []string{"count"},
	}
	for _, header := range []string{old, later} {
		got, err := parseSkeleton([]byte(header))
		if err != nil {
			t.Errorf("%v in\n%s", err, header)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	if _, err := parseSkeleton([]byte(head)); err == nil {
		t.Error("a header without a blob was accepted")
	}
}
