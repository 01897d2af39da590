/* An arena, since Linux 6.9. */
#include "kinds.h"

/* BPF_MAP_TYPE_ARENA, which the headers of Linux 6.1 lack. */
#define MAP_TYPE_ARENA 33

struct {
	__uint(type, MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4);
} arena SEC(".maps");

struct order {
	__u64 address; /* of struct pair, in the arena */
};

struct pair {
	__u64 in, out;
};

/* The arena's variables. For compilers with address spaces they are __arena, address space 1. */
#define IN_ARENA SEC(".addr_space.1")

struct pair IN_ARENA shared = { .in = 5 };
__u64 IN_ARENA runs;

/* in_kernel converts a user address in the arena to a kernel address: addr_space_cast(p, 0, 1),
 * which this compiler does not support. The register's number is in both halves of the second byte,
 * so that the byte order does not matter.
 */
static void *in_kernel(__u64 address)
{
	register void *p asm("r1") = (void *)address;

	asm volatile(".byte 0xbf, 0x11\n.short 1\n.long 1" : "+r"(p));
	return p;
}

SEC("syscall")
int triple(struct order *o)
{
	struct pair *p;

	asm volatile("" ::"r"(&arena)); /* whose addresses are meant */
	p = in_kernel(o->address);
	p->out = p->in * 3;
	return 0;
}

SEC("syscall")
int triple_shared(void *ctx)
{
	struct pair *p = in_kernel((__u64)&shared);
	__u64 *n = in_kernel((__u64)&runs);

	asm volatile("" ::"r"(&arena));
	p->out = p->in * 3;
	return ++*n;
}
