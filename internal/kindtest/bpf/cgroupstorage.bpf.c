/* Cgroup local storage, since Linux 6.2: system calls by cgroup. */
#include "kinds.h"

/* BPF_MAP_TYPE_CGRP_STORAGE, which the headers of Linux 6.1 lack. */
#define MAP_TYPE_CGRP_STORAGE 32

struct {
	__uint(type, MAP_TYPE_CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} calls SEC(".maps");

const volatile int pid = 0;

SEC("tp_btf/sys_enter")
int count(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 *n;

	if (task->tgid != pid)
		return 0;
	n = bpf_cgrp_storage_get(&calls, task->cgroups->dfl_cgrp, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (n)
		__sync_fetch_and_add(n, 1);
	return 0;
}
