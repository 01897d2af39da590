/* Callbacks of several kinds in one object: bpf_loop, bpf_for_each_map_elem, bpf_find_vma and
 * bpf_user_ringbuf_drain, with callbacks that several programs share and that call subprograms.
 *
 * run: loops retval=0 rounds=7
 */
#include "bpf_test.h"
#include "kernel.h"

struct vm_area_struct;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 8);
} entries SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 4096);
} requests SEC(".maps");

__u64 rounds, entries_seen, vmas;

static __noinline void bump(__u64 *p)
{
	*p += 1;
}

static long round_cb(__u32 i, void *ctx)
{
	bump(&rounds);
	return 0;
}

static long entry_cb(void *map, __u32 *key, __u64 *value, void *ctx)
{
	bump(&entries_seen);
	bpf_loop(1, round_cb, NULL, 0);
	return 0;
}

static long request_cb(struct bpf_dynptr *dynptr, void *ctx)
{
	return 0;
}

static long vma_cb(struct task_struct *task, struct vm_area_struct *vma, void *ctx)
{
	bump(&vmas);
	return 0;
}

SEC("syscall")
int loops(void *ctx)
{
	bpf_loop(7, round_cb, NULL, 0);
	bpf_for_each_map_elem(&entries, entry_cb, NULL, 0);
	return 0;
}

SEC("tp_btf/sys_enter")
int vma(__u64 *ctx)
{
	bpf_find_vma(bpf_get_current_task_btf(), 0, vma_cb, NULL, 0);
	return 0;
}

SEC("raw_tp/sys_enter")
int drain(void *ctx)
{
	bpf_user_ringbuf_drain(&requests, request_cb, NULL, 0);
	bpf_loop(2, round_cb, NULL, 0);
	return 0;
}

LICENSE("GPL");
