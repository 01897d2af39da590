/* An arena, since Linux 6.9: it wants an mmap before any program that uses it is loaded. */
#include "bpf_test.h"

/* The numbers of BPF_MAP_TYPE_ARENA and BPF_F_MMAPABLE, the first of which headers of Linux 6.1 do not have. */
#define MAP_TYPE_ARENA 33

struct {
	__uint(type, MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 10);
} arena SEC(".maps");

SEC("syscall")
int use(void *ctx)
{
	return &arena != NULL;
}

LICENSE("GPL");
