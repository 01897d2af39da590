/* Loads an object through the skeleton that bpftool has generated: the light one, or libbpf's full one. Compile
 * with -DHEADER='"x.h"', and with -DNAME=x for the name that the skeleton has.
 */
#include <errno.h>
#include HEADER

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)

static struct NAME *skeleton;

static int load(void)
{
	skeleton = PASTE(NAME, __open_and_load)();
	return skeleton ? 0 : -errno;
}

static void unload(void)
{
	PASTE(NAME, __destroy)(skeleton);
	skeleton = NULL;
}

#include "probe.h"
