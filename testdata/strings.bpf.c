/* String literals: .rodata.str* sections, which BTF does not describe, and bpf_printk's format.
 *
 * run: compare retval=0 letter=98 equal=1
 */
#include "bpf_test.h"

__u64 letter;
__u64 equal;

static __noinline int same(const char *a, const char *b)
{
	for (int i = 0; i < 8; i++) {
		if (a[i] != b[i])
			return 0;
		if (!a[i])
			return 1;
	}
	return 0;
}

SEC("tc")
int compare(struct __sk_buff *skb)
{
	static const char fmt[] = "length %d";
	const char *word = "abc";
	char out[16] = "abc";

	if (skb->len > 1 << 20)
		bpf_printk("long packet: %d", skb->len);
	if (skb->len > 1 << 21)
		bpf_trace_printk(fmt, sizeof(fmt), skb->len);
	asm volatile("" : "+r"(word));
	bpf_probe_read_kernel(out, 3, word);
	letter = out[1];
	equal = same(out, "abc");
	return 0;
}

LICENSE("GPL");
