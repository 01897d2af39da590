/* Loads nothing: measures a C process as such. */
static int load(void)
{
	return 0;
}

static void unload(void)
{
}

#include "probe.h"
