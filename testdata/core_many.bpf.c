/* Several hundred CO-RE records in one program, with alternating root types: the kernel caches
 * candidates for few names, so the order of the records determines how often it searches.
 *
 * run: many retval=0 done=1
 */
#include "bpf_test.h"
#include "kernel.h"
#include <bpf/bpf_core_read.h>

__u64 done, sum;

#define ROUND                                                          \
	sum += bpf_core_field_exists(((struct task_struct *)0)->pid);    \
	sum += bpf_core_field_size(((struct sock *)0)->sk_rcvbuf);       \
	sum += bpf_core_field_exists(((struct file *)0)->f_flags);       \
	sum += bpf_core_field_size(((struct inode *)0)->i_ino);          \
	sum += bpf_core_field_exists(((struct dentry *)0)->d_name);      \
	sum += bpf_core_field_size(((struct net_device *)0)->mtu);       \
	sum += bpf_core_field_exists(((struct sk_buff *)0)->len);        \
	sum += bpf_core_field_size(((struct mm_struct *)0)->map_count);  \
	sum += bpf_core_field_exists(((struct cred *)0)->uid);           \
	sum += bpf_core_type_size(struct pid);                           \
	sum += bpf_core_type_exists(struct nsproxy);                     \
	sum += bpf_core_field_exists(((struct linux_binprm *)0)->file);

#define ROUNDS4 ROUND ROUND ROUND ROUND
#define ROUNDS32 ROUNDS4 ROUNDS4 ROUNDS4 ROUNDS4 ROUNDS4 ROUNDS4 ROUNDS4 ROUNDS4

SEC("syscall")
int many(void *ctx)
{
	ROUNDS32
	done = sum > 0;
	return 0;
}

SEC("syscall")
int few(void *ctx)
{
	ROUND
	return 0;
}

LICENSE("GPL");
