/* A scheduler that has only a name and leaves everything to the kernel. */
#include "example.h"

struct sched_ext_ops {
	char name[128];
};

SEC(".struct_ops.link")
struct sched_ext_ops minimal_sched = { .name = "minimal" };
