//vmtest:6.1

package runtime_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// Features that Linux 6.1 lacks and rejects with EINVAL.
func TestHintTooNewFor61(t *testing.T) {
	guest.Only(t)
	netfilter := oneProgram(object.Program{Type: sys.ProgTypeNetfilter, ExpectedAttachType: sys.AttachNetfilter, Insns: returnsZero.Insns})
	tracing := oneProgram(object.Program{Type: sys.ProgTypeCgroupSockAddr, ExpectedAttachType: sys.AttachCgroupUnixConnect, Insns: returnsZero.Insns})
	for _, tt := range []struct {
		obj  *object.Object
		want string
	}{
		{
			oneMap(object.Map{Type: sys.MapTypeCgrpStorage, Flags: 1, KeySize: 4, ValueSize: 4}),
			"create map m: invalid argument (BPF_MAP_TYPE_CGRP_STORAGE needs Linux 6.2, this is 6.1",
		},
		{
			oneMap(object.Map{Type: sys.MapTypeArena, Flags: sys.FlagMmapable, MaxEntries: 1}),
			"create map m: invalid argument (BPF_MAP_TYPE_ARENA needs Linux 6.9, this is 6.1",
		},
		{netfilter, "load program prog: invalid argument (BPF_PROG_TYPE_NETFILTER needs Linux 6.4, this is 6.1"},
		{tracing, "load program prog: invalid argument (BPF_CGROUP_UNIX_CONNECT needs Linux 6.7, this is 6.1"},
		{oneProgram(calling(210)), "invalid func unknown#210 (bpf_cgrp_storage_get needs Linux 6.2, this is 6.1"},
	} {
		wantError(t, loadDirectly(generate(t, tt.obj)), unix.EINVAL, tt.want)
	}
}
