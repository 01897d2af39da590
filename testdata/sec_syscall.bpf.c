/* Programs called from user space. They may sleep and make system calls.
 *
 * run: answer retval=42
 */
#include "bpf_test.h"

struct echo_args {
	__u64 in;
	__u64 out;
};

SEC("syscall")
int answer(void *ctx)
{
	return 42;
}

SEC("syscall")
int echo(struct echo_args *ctx)
{
	ctx->out = ctx->in + 1;
	return 0;
}

LICENSE("GPL");
