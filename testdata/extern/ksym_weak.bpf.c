/* Weak kernel variables: one that exists and one that does not, each guarded.
 *
 * run: read retval=0 present=1 value_ok=1 absent=1
 */
#include "bpf_test.h"

extern const int bpf_prog_active __ksym __weak;
extern const int bpf2lskel_no_such_var __ksym __weak;

__u64 present, value_ok, absent;

SEC("raw_tp/sched_switch")
int read(void *ctx)
{
	if (&bpf_prog_active) {
		const int *active = bpf_this_cpu_ptr(&bpf_prog_active);

		present = 1;
		value_ok = *active >= 0;
	}
	if (&bpf2lskel_no_such_var) {
		const int *p = bpf_this_cpu_ptr(&bpf2lskel_no_such_var);

		value_ok += *p;
	} else {
		absent = 1;
	}
	return 0;
}

LICENSE("GPL");
