/* Overrides the defaults of lib.bpf.c. */
#include "bpf_test.h"

const volatile int limit = 3;
int level = 4;
int hits;

LICENSE("GPL");
