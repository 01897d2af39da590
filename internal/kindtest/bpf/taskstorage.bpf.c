/* Task local storage: system calls by process. */
#include "kinds.h"

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
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
	n = bpf_task_storage_get(&calls, task->group_leader, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (n)
		__sync_fetch_and_add(n, 1);
	return 0;
}
