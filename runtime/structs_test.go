//vmtest:all

package runtime

import (
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/sys/systest"
)

// The contexts of programs and test runs match the kernel's.
func TestContexts(t *testing.T) {
	systest.Structs(t, []systest.Struct{
		{Value: SKBContext{}, Kernel: "__sk_buff"},
		{Value: XDPContext{}, Kernel: "xdp_md"},
		{Value: SKLookupContext{}, Kernel: "bpf_sk_lookup"},
		{Value: FlowKeys{}, Kernel: "bpf_flow_keys", Names: map[string]string{"Addrs": "ipv6_src+"}},
		{Value: BuildID{}, Kernel: "bpf_stack_build_id", Names: map[string]string{"Build": "build_id", "Address": "ip"}},
		{Value: CgroupStorageKey{}, Kernel: "bpf_cgroup_storage_key", Names: map[string]string{"CgroupInode": "cgroup_inode_id"}},
	})
}
