/* Global variables of an arena: a number, an array of zeros, a struct, a static one, and a pointer
 * to one of them, an address of this process. Requires address spaces: clang 19.
 */
#include "bpf_test.h"

/* BPF_MAP_TYPE_ARENA, which the headers of Linux 6.1 lack. */
#define MAP_TYPE_ARENA 33

#define __arena __attribute__((address_space(1)))

struct node {
	__u64 value;
	struct node __arena *next;
};

struct {
	__uint(type, MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 10);
} arena SEC(".maps");

__u32 __arena counter = 5;
__u64 __arena squares[1000];
struct node __arena first = { .value = 7 };
static __u32 __arena calls;

struct node __arena *head; /* the pointer itself is in .bss */

SEC("syscall")
int count(void *ctx)
{
	__u32 n = counter + 2;

	asm volatile("" ::"r"(&arena)); /* whose addresses are meant */
	counter = n;
	if (n < 1000)
		squares[n] = (__u64)n * n;
	first.value += n;
	head = &first;
	return ++calls;
}

LICENSE("GPL");
