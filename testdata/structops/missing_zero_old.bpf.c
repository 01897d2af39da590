/* The same as missing_zero, for libbpf 1.1. */
#define OLD
#include "missing_zero.bpf.c"
