//vmtest:6.1,6.12,6.18,7.x

package runtime_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

func TestHintModuleNotLoaded(t *testing.T) {
	guest.Only(t)
	obj := withExtern(object.Extern{Name: "bpf_xdp_ct_lookup", Kind: object.Kfunc})
	if guest.Loaded("nf_conntrack") {
		t.Fatal("nf_conntrack is loaded")
	}
	wantError(t, loadDirectly(generate(t, obj)), unix.ENOENT,
		"find kfunc bpf_xdp_ct_lookup", "it is in module nf_conntrack, which is not loaded: run modprobe nf_conntrack")

	target := oneProgram(returnsZero)
	target.Programs[0].Target = &object.AttachTarget{Name: "nf_ct_get_tuple", Kind: sys.BtfKindFunc, Module: "nf_conntrack"}
	wantError(t, loadDirectly(generate(t, target)), unix.ENOENT, "module nf_conntrack is not loaded: run modprobe nf_conntrack")
}
