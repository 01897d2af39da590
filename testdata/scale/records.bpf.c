/* A thousand CO-RE records in one program, of types that alternate. */
#include "bench.h"

__u64 sum;

#define TEN \
	sum += bpf_core_field_offset(struct task_struct, pid); \
	sum += bpf_core_field_size(struct mm_struct, map_count); \
	sum += bpf_core_field_exists(struct file, f_inode); \
	sum += bpf_core_field_offset(struct sock, sk_rcvbuf); \
	sum += bpf_core_field_size(struct inode, i_ino); \
	sum += bpf_core_field_exists(struct dentry, d_parent); \
	sum += bpf_core_field_offset(struct cred, uid); \
	sum += bpf_core_field_size(struct sk_buff, len); \
	sum += bpf_core_field_exists(struct net_device, mtu); \
	sum += bpf_core_type_size(struct pid);
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

SEC("raw_tp/sys_enter")
int thousand(void *ctx)
{
	HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED
	return 0;
}

LICENSE("GPL");
