/* Names that C allows and the kernel's BTF does not: with a dollar sign, and with 601 letters. The
 * kernel refuses all of the BTF, and libbpf continues without it, as nothing needs it.
 *
 * run: count retval=0 calls=1
 */
#include "bpf_test.h"

struct dollar$ {
	__u64 value;
};

#define LONG_NAME nameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameameame

struct LONG_NAME {
	__u32 value;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct LONG_NAME);
	__type(value, struct dollar$);
	__uint(max_entries, 4);
} table SEC(".maps");

int calls;
int twice$;

SEC("tc")
int count(struct __sk_buff *skb)
{
	struct LONG_NAME key = {};

	calls++;
	twice$ += 2;
	return bpf_map_lookup_elem(&table, &key) != 0;
}

LICENSE("GPL");
