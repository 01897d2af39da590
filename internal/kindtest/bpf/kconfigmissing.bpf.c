/* A strong variable that is not in any kernel's configuration. */
#include "kinds.h"

extern unsigned char CONFIG_BPF2LSKEL_MISSING __kconfig;

SEC("raw_tp")
int look(void *ctx)
{
	return CONFIG_BPF2LSKEL_MISSING;
}
