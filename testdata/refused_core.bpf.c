/* Many programs with the same CO-RE relocations, and one that reads a field that no kernel has: that one is refused. */
#include "bpf_test.h"
#include "kernel.h"
#include <bpf/bpf_core_read.h>

struct task_struct___gone {
	int removed_long_ago;
} __attribute__((preserve_access_index));

__u64 sum;

#define LOOK(name)                                                                                       \
	SEC("syscall")                                                                                   \
	int name(void *ctx)                                                                              \
	{                                                                                                \
		struct task_struct *task = (void *)bpf_get_current_task();                               \
		sum += BPF_CORE_READ(task, pid) + BPF_CORE_READ(task, mm, map_count);                    \
		sum += bpf_core_field_exists(((struct sk_buff *)0)->len) + bpf_core_type_exists(struct cred); \
		return 0;                                                                                \
	}

LOOK(first)
LOOK(second)
LOOK(third)
LOOK(fourth)
LOOK(fifth)
LOOK(sixth)

SEC("syscall")
int gone(void *ctx)
{
	struct task_struct___gone *task = (void *)bpf_get_current_task();
	int value = 0;

	bpf_core_read(&value, sizeof(value), &task->removed_long_ago);
	return value;
}

LICENSE("GPL");
