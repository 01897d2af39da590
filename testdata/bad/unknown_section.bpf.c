/* A program in a section that no libbpf knows. */
#include "bpf_test.h"

SEC("no_such_program_type/target")
int lost(void *ctx)
{
	return 0;
}

LICENSE("Dual MIT/GPL");
