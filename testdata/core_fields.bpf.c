/* CO-RE relocations of fields: byte offset, size, existence and signedness, through pointers, arrays and
 * nested structs; flavours ("___old") with fields that this or no kernel has.
 *
 * run: read retval=0 same_tgid=1 comm_size=16 has_pid=1 has_not=0 pid_signed=1 flags_signed=0 pid_size=4 parent_ok=1
 */
#include "bpf_test.h"
#include "kernel.h"
#include <bpf/bpf_core_read.h>

struct task_struct___other {
	int no_such_field_anywhere;
	long state;
	unsigned int __state;
} __attribute__((preserve_access_index));

__u64 same_tgid, comm_size, has_pid, has_not, pid_signed, flags_signed, pid_size, parent_ok;
__u64 state, uid, level;

SEC("syscall")
int read(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct task_struct___other *other = (void *)task;

	same_tgid = BPF_CORE_READ(task, group_leader, pid) == bpf_get_current_pid_tgid() >> 32;
	comm_size = bpf_core_field_size(task->comm);
	has_pid = bpf_core_field_exists(task->pid);
	has_not = bpf_core_field_exists(other->no_such_field_anywhere);
	pid_signed = __builtin_preserve_field_info(task->pid, BPF_FIELD_SIGNED);
	flags_signed = __builtin_preserve_field_info(task->flags, BPF_FIELD_SIGNED);
	pid_size = bpf_core_field_size(task->pid);
	parent_ok = BPF_CORE_READ(task, real_parent) != NULL;
	uid = BPF_CORE_READ(task, cred, uid.val);
	level = BPF_CORE_READ(task, thread_pid, numbers[0].nr);
	if (bpf_core_field_exists(other->__state))
		state = BPF_CORE_READ(other, __state);
	else if (bpf_core_field_exists(other->state))
		state = BPF_CORE_READ(other, state);
	return 0;
}

LICENSE("GPL");
