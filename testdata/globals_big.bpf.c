/* Big data sections: one initialised value far beyond a page and one zero section of 256 KiB; the program
 * touches the last element of each.
 *
 * run: ends retval=0 head=1 tail=77 zero_tail=1
 */
#include "bpf_test.h"

__u64 table[4096] = {[0] = 1, [4095] = 77};
__u64 zeros[32768];
const volatile __u8 text[9001] = {[9000] = 3};
__u64 head, tail, zero_tail;

SEC("tc")
int ends(struct __sk_buff *skb)
{
	head = table[0];
	tail = table[4095];
	zeros[32767]++;
	zero_tail = zeros[32767] + text[9000] - 3;
	return 0;
}

LICENSE("Dual MIT/GPL");
