/* CO-RE's type match, since clang 15 and Linux 6.0. Older compilers do not have this relocation.
 *
 * run: match retval=0 no_match=1
 */
#include "bpf_test.h"
#include "kernel.h"
#include <bpf/bpf_core_read.h>

struct task_struct___wrong {
	int comm;
} __attribute__((preserve_access_index));

__u64 no_match;

SEC("syscall")
int match(void *ctx)
{
#if __clang_major__ >= 15
	no_match = !bpf_core_type_matches(struct task_struct___wrong);
#else
	no_match = 1;
#endif
	return 0;
}

LICENSE("GPL");
