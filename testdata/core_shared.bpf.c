/* Many programs with the same CO-RE relocations: fields, sizes, types, enumerators and bit-fields
 * that the kernel has or lacks. A loader resolves them once for all programs if the instruction
 * takes a number, and for each program otherwise.
 *
 * run: first retval=0 pids=1 missing=1 sizes=1
 * run: fourth retval=0 pids=1 missing=1 sizes=1
 * run: direct retval=0 pids=1
 */
#include "bpf_test.h"
#include "kernel.h"
#include <bpf/bpf_core_read.h>

struct task_struct___gone {
	int removed_long_ago;
} __attribute__((preserve_access_index));

struct never_was {
	int field;
} __attribute__((preserve_access_index));

const volatile __u32 ancient = 0;
__u64 pids, missing, sizes;

static __always_inline int look(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct task_struct___gone *gone = (void *)task;
	int value = 0;

	/* A syscall program runs in the task that started it. */
	pids = BPF_CORE_READ(task, tgid) == bpf_get_current_pid_tgid() >> 32;
	missing = !bpf_core_field_exists(gone->removed_long_ago) && !bpf_core_type_exists(struct never_was);
	sizes = bpf_core_field_size(task->pid) == sizeof(int) && bpf_core_type_size(struct cred) > 0 &&
		bpf_core_field_exists(((struct mm_struct *)0)->map_count) && bpf_core_field_size(((struct sk_buff *)0)->len) == 4 &&
		bpf_core_type_size(struct nsproxy) > 8;
	if (bpf_core_field_exists(gone->removed_long_ago))
		bpf_core_read(&value, sizeof(value), &gone->removed_long_ago);
	if (ancient)
		value += bpf_core_type_size(struct never_was);
	return value;
}

#define LOOK(name)             \
	SEC("syscall")         \
	int name(void *ctx)    \
	{                      \
		return look(); \
	}

LOOK(first)
LOOK(second)
LOOK(third)
LOOK(fourth)
LOOK(fifth)
LOOK(sixth)

SEC("syscall")
int direct(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();

	pids = task->tgid == BPF_CORE_READ(task, tgid);
	return 0;
}

LICENSE("GPL");
