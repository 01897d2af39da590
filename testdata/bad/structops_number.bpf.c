/* A struct_ops with a function that is a number. */
#include "bpf_test.h"

struct some_ops {
	int (*init)(void);
};

SEC(".struct_ops")
struct some_ops ops = { .init = (void *)4096 };

LICENSE("GPL");
