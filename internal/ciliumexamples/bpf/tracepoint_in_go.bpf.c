/* Sends a number for each opened file. The example has no C source: its instructions are in Go. */
#include "example.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
} my_perf_array SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_openat")
int my_trace_prog(void *ctx)
{
	__u32 number = 123;

	bpf_perf_event_output(ctx, &my_perf_array, BPF_F_CURRENT_CPU, &number, sizeof(number));
	return 0;
}
