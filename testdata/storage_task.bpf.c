/* Valid task local storage. A loader never creates such maps: see docs/architecture.md.
 *
 * run: mark retval=0 marked=1
 */
#include "bpf_test.h"
#include "kernel.h"

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} marks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} plain SEC(".maps");

__u64 marked;

SEC("syscall")
int mark(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u32 zero = 0;
	__u64 *p;

	p = bpf_task_storage_get(&marks, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!p)
		return 1;
	*p += 1;
	marked = *p;
	bpf_map_lookup_elem(&plain, &zero);
	return 0;
}

LICENSE("GPL");
