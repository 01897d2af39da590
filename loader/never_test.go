//vmtest:all

package loader_test

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
)

// recursion matches what kernels say about recursion: 6.1, 6.12 and 6.18, 7.3.
const recursion = "back-edge|frames is too deep|recursi"

// A program that no kernel loads is refused when its object is read, with an error about the
// source. This kernel does refuse it.
func TestRefusedByAllKernels(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		kernel     string // a regular expression for the kernel's message
	}{
		{"too_long", "section tc: start: 1000003 instructions, including the functions it calls: the kernel's limit is 1000000", "argument list too long"},
		{
			"no_return", "section .text: forgets: does not end in a return or a jump (no_return.bpf.c:6): a return statement is missing, or the C code has undefined behavior",
			"invalid argument(.|\n)*last insn is not an exit or jmp",
		},
		{"recursion", "section .text: around: calls around (recursion.bpf.c:10): BPF does not support recursion", recursion},
		{"recursion_mutual", "section .text: pong: calls ping, which calls pong (recursion_mutual.bpf.c:15): BPF does not support recursion", recursion},
		{
			"maps_65", "section tc: start: uses 65 maps, including sections of variables and the maps of its subprograms: the kernel's limit is 64",
			"argument list too long",
		},
		{
			"kfunc_license", "section tc: start: calls kernel function bpf_rdonly_cast (kfunc_license.bpf.c:9), which requires a GPL-compatible license: " +
				`the object's is "Proprietary": declare char LICENSE[] SEC("license") = "GPL"`,
			"cannot call kernel function from non-GPL compatible program",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := testobj.Compile(t, "never/"+tt.name, testobj.Options{})
			_, err := object.Read(path)
			if err == nil || err.Error() != path+": "+tt.want {
				t.Errorf("\n got %v\nwant %s: %s", err, path, tt.want)
			}
			c, err := loadByCilium(path)
			if err == nil {
				c.Close()
				t.Fatal("this kernel accepts it")
			}
			if tt.name == "kfunc_license" && sys.KernelVersion().Before(sys.Version{6, 2}) {
				return // this kernel lacks the function, which cilium/ebpf looks up first
			}
			if _, noJIT := os.Stat("/proc/sys/net/core/bpf_jit_enable"); tt.name == "kfunc_license" && noJIT != nil {
				return // this kernel does not support calls of kfuncs
			}
			text := err.Error()
			if log := (*ebpf.VerifierError)(nil); errors.As(err, &log) {
				text = fmt.Sprintf("%s\n%+v", text, log) // 7.3 ends with a report
			}
			if !regexp.MustCompile(tt.kernel).MatchString(text) {
				t.Errorf("the kernel does not say %q: %s", tt.kernel, text)
			}
		})
	}
}
