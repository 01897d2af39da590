/* Static variables: BTF records their linkage, and programs refer to them by the section's symbol
 * and an offset in the instruction. One is static in a function.
 *
 * run: next retval=0 seen=6
 * run: next retval=0 seen=13
 */
#include "bpf_test.h"

static volatile __u32 hidden = 5;
static volatile __u64 hidden_zero;
static const volatile __u32 hidden_const = 1;
__u64 seen;

static __noinline __u64 advance(void)
{
	static volatile __u64 state;

	state += hidden + hidden_const;
	return state;
}

SEC("tc")
int next(struct __sk_buff *skb)
{
	seen = advance() + hidden_zero;
	hidden_zero++;
	return 0;
}

LICENSE("Dual MIT/GPL");
