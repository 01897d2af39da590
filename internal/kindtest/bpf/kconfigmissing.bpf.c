/* A variable that no kernel's configuration has, and that is not weak. */
#include "kinds.h"

extern unsigned char CONFIG_BPF2LSKEL_MISSING __kconfig;

SEC("raw_tp")
int look(void *ctx)
{
	return CONFIG_BPF2LSKEL_MISSING;
}
