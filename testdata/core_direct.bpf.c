/* CO-RE offsets in load instructions: fields of kernel objects, and of the program's context, read
 * through typed pointers without a helper, in 32-bit, 16-bit and 8-bit loads.
 */
#include "bpf_test.h"
#include "kernel.h"

__u64 seen;

SEC("tp_btf/netif_receive_skb")
int on_receive(__u64 *ctx)
{
	struct sk_buff *skb = (void *)ctx[0];
	struct net_device *dev = skb->dev;
	struct sock *sk;

	seen += skb->len + skb->protocol + skb->mac_len;
	if (dev)
		seen += dev->ifindex + dev->name[0] + dev->mtu;
	/* Some verifiers require a second read to be checked again. */
	sk = skb->sk;
	if (sk)
		seen += sk->__sk_common.skc_family + sk->__sk_common.skc_state;
	return 0;
}

SEC("tp_btf/sched_process_exec")
int on_exec(__u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	struct linux_binprm *bprm = (void *)ctx[2];

	seen += task->mm->map_count + task->real_parent->pid + bprm->file->f_inode->i_ino;
	return 0;
}

LICENSE("GPL");
