// SPDX-License-Identifier: MIT OR GPL-2.0
/* bpf_kmod_many_150 to bpf_kmod_many_299. */
#define MANY_NUMBERS(M)                                                          \
	MANY_FIFTY_HIGH(M, 1) MANY_FIFTY_LOW(M, 2) MANY_FIFTY_HIGH(M, 2)

#include "many_kfuncs.h"
