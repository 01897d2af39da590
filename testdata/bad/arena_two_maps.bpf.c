/* A global variable of an arena, and two arenas. */
#include "bpf_test.h"

#define ARENA(name)                               \
	struct {                                  \
		__uint(type, 33);                 \
		__uint(map_flags, BPF_F_MMAPABLE); \
		__uint(max_entries, 1);           \
	} name SEC(".maps")

ARENA(left);
ARENA(right);

__u32 SEC(".addr_space.1") counter = 5;

SEC("syscall")
int read(void *ctx)
{
	return &counter != NULL;
}

LICENSE("GPL");
