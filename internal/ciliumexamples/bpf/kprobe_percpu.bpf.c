/* Counts how often a program is started, per CPU. */
#include "example.h"

COUNTER(kprobe_map, BPF_MAP_TYPE_PERCPU_ARRAY);

SEC("kprobe/sys_execve")
int kprobe_execve(void *ctx)
{
	count_in(&kprobe_map);
	return 0;
}
