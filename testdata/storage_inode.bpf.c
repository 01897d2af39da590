/* Valid inode local storage, if the kernel has BPF LSM. Its helpers require an LSM program.
 *
 * run: pass retval=0
 */
#include "bpf_test.h"

struct {
	__uint(type, BPF_MAP_TYPE_INODE_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} per_inode SEC(".maps");

SEC("tc")
int pass(struct __sk_buff *skb)
{
	return 0;
}

LICENSE("GPL");
