/* Inode local storage: how often a process opens a file. */
#include "kinds.h"

struct {
	__uint(type, BPF_MAP_TYPE_INODE_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} opens SEC(".maps");

const volatile __u32 pid = 0;

SEC("lsm/file_open")
int count(unsigned long long *ctx)
{
	struct file *file = (void *)ctx[0];
	__u64 *n;

	if (bpf_get_current_pid_tgid() >> 32 != pid)
		return 0;
	n = bpf_inode_storage_get(&opens, file->f_inode, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (n)
		__sync_fetch_and_add(n, 1);
	return 0;
}
