/* An arena, since Linux 6.9. */
#include "kinds.h"

/* BPF_MAP_TYPE_ARENA, which headers of Linux 6.1 do not have. */
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

/* in_kernel turns a user's address in the arena into the kernel's: addr_space_cast(p, 0, 1), which
 * this compiler does not know. The number of a register stands in both halves of the second byte,
 * so that the byte order does not matter.
 */
static void *in_kernel(__u64 address)
{
	register void *p asm("r1") = (void *)address;

	asm volatile(".byte 0xbf, 0x11\n.short 1\n.long 1" : "+r"(p));
	return p;
}

DESCRIBE(struct pair, pair);

SEC("syscall")
int triple(struct order *o)
{
	struct pair *p;

	asm volatile("" ::"r"(&arena)); /* whose addresses are meant */
	p = in_kernel(o->address);
	p->out = p->in * 3;
	return 0;
}
