/* A struct_ops with a member that is the address of data. */
#include "bpf_test.h"

int elsewhere = 1;

struct some_ops {
	int *counter;
	char name[16];
};

SEC(".struct_ops")
struct some_ops ops = { .counter = &elsewhere, .name = "data" };

LICENSE("GPL");
