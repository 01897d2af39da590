/* A map value with a kernel pointer: a type tag in BTF, and a kernel type, found by name when the
 * map is created. (The pointer is unreferenced up to Linux 6.3, and referenced since.)
 *
 * run: swap retval=0 was_empty=1
 */
#include "bpf_test.h"
#include "kernel.h"

#define __kptr_tag __attribute__((btf_type_tag("kptr")))

struct holder {
	struct task_struct __kptr_tag *task;
	__u64 count;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct holder);
	__uint(max_entries, 1);
} held SEC(".maps");

__u64 was_empty;

SEC("tc")
int swap(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct holder *h = bpf_map_lookup_elem(&held, &key);

	if (!h)
		return 1;
	h->count++;
	was_empty = h->task == NULL;
	return 0;
}

LICENSE("GPL");
