/* The same as shared, for libbpf 1.1. */
#define OLD
#include "shared.bpf.c"
