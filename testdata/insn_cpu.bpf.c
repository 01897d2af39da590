/* Instructions that depend on clang's -mcpu: 32-bit jumps, atomics with a result (v3), and long
 * programs with jumps in both directions. The object compiles for each.
 *
 * run: run retval=0 old_value=5 now=9 loops=200
 */
#include "bpf_test.h"

__u64 word = 5;
__u64 old_value, now, loops;

SEC("tc")
int run(struct __sk_buff *skb)
{
	old_value = __sync_fetch_and_add(&word, 4);
	now = word;
	for (int i = 0; i < 200; i++) {
		if (i % 3 == 0 && skb->len > 100000)
			continue;
		loops++;
	}
	return 0;
}

LICENSE("Dual MIT/GPL");
