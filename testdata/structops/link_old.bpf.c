/* The same as link, for libbpf 1.1. */
#define LINKS ".struct_ops"
#include "link.bpf.c"
