/* A struct_ops section with something that is not a struct. */
#include "bpf_test.h"

SEC(".struct_ops.link")
int ops = 1;

LICENSE("GPL");
