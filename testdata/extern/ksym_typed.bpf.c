/* Typed kernel variables, which are per-CPU: a struct and an integer, read on this CPU and on CPU
 * 0, and the address of one. Kernels without CONFIG_KALLSYMS_ALL return ENOENT.
 *
 * run: read retval=0 cpu_of_first=0 same_cpu=1 active_ok=1
 */
#include "bpf_test.h"
#include "kernel.h"

struct rq {
	int cpu;
	unsigned int nr_running;
} KERNEL_STRUCTS;

extern const struct rq runqueues __ksym;
extern const int bpf_prog_active __ksym;

__u64 cpu_of_first = 99, same_cpu, active_ok;

SEC("raw_tp/sched_switch")
int read(void *ctx)
{
	const struct rq *first = bpf_per_cpu_ptr(&runqueues, 0);
	const struct rq *here = bpf_this_cpu_ptr(&runqueues);
	const int *active = bpf_this_cpu_ptr(&bpf_prog_active);

	if (first)
		cpu_of_first = first->cpu;
	same_cpu = here->cpu == bpf_get_smp_processor_id();
	active_ok = *active >= 0;
	return 0;
}

LICENSE("GPL");
