/* Corners of data sections: over-aligned and packed variables, holes between them,
 * hidden and weak symbols, a pointer to another variable's section that stays zero.
 *
 * run: walk retval=0 sum=106 aligned_ok=1
 */
#include "bpf_test.h"

__u8 one = 1;
__u64 far_apart __attribute__((aligned(64))) = 100;
__u8 three = 3;
struct {
	__u8 tag;
	__u32 value;
} __attribute__((packed)) tight = {1, 2};
__hidden __u32 hidden_word;
__weak __u32 weak_word;
void *nowhere;

__u64 sum;
__u64 aligned_ok;

SEC("tc")
int walk(struct __sk_buff *skb)
{
	sum = one + far_apart + three + tight.value + hidden_word + weak_word + (nowhere != 0);
	aligned_ok = ((__u64)&far_apart & 7) == 0;
	return 0;
}

LICENSE("Dual MIT/GPL");
