/* SPDX-License-Identifier: MIT
 *
 * Maps whose definitions do not name their records: a tag, -ringbuf or nothing does.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct event {
	__u64 time;
	__u32 pid;
	char comm[16];
};

struct sample {
	__u32 cpu;
	__u8 payload[];
};

struct sample *sample_for_btf;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} tagged SEC(".maps") __attribute__((btf_decl_tag("record:struct event")));

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} flagged SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} unnamed SEC(".maps");

struct event *event_for_btf;

SEC("tp/syscalls/sys_enter_getpid")
int on_getpid(void *ctx)
{
	struct event *e = bpf_ringbuf_reserve(&tagged, sizeof(*e), 0);

	if (e) {
		e->time = 1;
		bpf_ringbuf_submit(e, 0);
	}
	return 0;
}

char _license[] SEC("license") = "GPL";
