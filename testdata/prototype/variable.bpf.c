/* A kernel variable that is a struct here and an integer in the kernel. */
#include "bpf_test.h"
#include "kernel.h"

struct rq {
	int cpu;
} KERNEL_STRUCTS;

extern const struct rq bpf_prog_active __ksym;

__u64 cpu;

SEC("raw_tp/sched_switch")
int read(void *ctx)
{
	const struct rq *here = bpf_this_cpu_ptr(&bpf_prog_active);

	cpu = here->cpu;
	return 0;
}

LICENSE("GPL");
