/* CO-RE relocations of bit fields: byte offset, size and the two shifts, signed and unsigned.
 *
 * run: bits retval=0 reset_ok=1 exec_ok=1
 */
#include "bpf_test.h"
#include "kernel.h"
#include <bpf/bpf_core_read.h>

__u64 reset_ok, exec_ok, packet_type;

SEC("syscall")
int bits(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	reset_ok = BPF_CORE_READ_BITFIELD_PROBED(task, sched_reset_on_fork) <= 1;
	exec_ok = BPF_CORE_READ_BITFIELD_PROBED(task, in_execve) == 0;
	return 0;
}

SEC("tp_btf/kfree_skb")
int on_free(__u64 *ctx)
{
	struct sk_buff *skb = (void *)ctx[0];

	packet_type = BPF_CORE_READ_BITFIELD(skb, pkt_type) + BPF_CORE_READ_BITFIELD(skb, cloned);
	return 0;
}

LICENSE("GPL");
