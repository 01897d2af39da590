/* Loads nothing: what a C process needs by itself. */
static int load(void)
{
	return 0;
}

static void unload(void)
{
}

#include "probe.h"
