/* What is no struct, among structs of operations. */
#include "bpf_test.h"

SEC(".struct_ops.link")
int ops = 1;

LICENSE("GPL");
