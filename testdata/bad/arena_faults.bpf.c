/* An arena's variable that programs must touch before user space may (BPF_F_SEGV_ON_FAULT). */
#include "bpf_test.h"

struct {
	__uint(type, 33);
	__uint(map_flags, BPF_F_MMAPABLE | 1 << 17);
	__uint(max_entries, 1);
} arena SEC(".maps");

__u32 SEC(".addr_space.1") counter = 5;

SEC("syscall")
int read(void *ctx)
{
	return &counter != NULL;
}

LICENSE("GPL");
