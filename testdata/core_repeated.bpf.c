/* A program with hundreds of copies of a few CO-RE relocations, which its loader resolves once each.
 *
 * run: repeated retval=0 equal=256
 */
#include "bpf_test.h"
#include "kernel.h"
#include <bpf/bpf_core_read.h>

__u32 equal;

/* Hides the pointer from the compiler, which would otherwise keep one record for all. */
#define READ(field)                                                    \
	asm volatile("" : "+r"(task));                                 \
	bpf_core_read(&value, sizeof(value), &task->field);
#define ONE                     \
	READ(pid)               \
	equal += value == pid;  \
	READ(tgid)              \
	equal += value == tgid;
#define FOUR ONE ONE ONE ONE
#define SIXTEEN FOUR FOUR FOUR FOUR

SEC("syscall")
int repeated(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u32 pid = bpf_get_current_pid_tgid(), tgid = bpf_get_current_pid_tgid() >> 32;
	__u32 value = 0;

	equal = 0;
	SIXTEEN SIXTEEN SIXTEEN SIXTEEN
	SIXTEEN SIXTEEN SIXTEEN SIXTEEN
	return 0;
}

LICENSE("GPL");
