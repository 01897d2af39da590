/* The same as flavor, for libbpf 1.1. */
#define tcp_congestion_ops___v2 tcp_congestion_ops
#include "flavor.bpf.c"
