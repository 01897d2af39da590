/* A scheduler that leaves everything to the kernel, and has no more than a name. */
#include "example.h"

struct sched_ext_ops {
	char name[128];
};

SEC(".struct_ops.link")
struct sched_ext_ops minimal_sched = { .name = "minimal" };
