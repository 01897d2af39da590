/* An unresolvable CO-RE relocation in unreachable code: the kernel replaces the instruction with an
 * invalid call, which it then removes as dead code, since a frozen constant guards it.
 *
 * run: guarded retval=0 fallback=1
 */
#include "bpf_test.h"
#include "kernel.h"
#include <bpf/bpf_core_read.h>

struct task_struct___gone {
	int removed_long_ago;
} __attribute__((preserve_access_index));

const volatile __u32 ancient = 0;
__u64 fallback;

SEC("syscall")
int guarded(void *ctx)
{
	struct task_struct___gone *task = (void *)bpf_get_current_task();
	int value = 0;

	if (ancient)
		bpf_core_read(&value, sizeof(value), &task->removed_long_ago);
	else
		fallback = 1;
	return value;
}

LICENSE("GPL");
