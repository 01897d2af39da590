// SPDX-License-Identifier: MIT OR GPL-2.0
/* bpf_kmod_many_0 to bpf_kmod_many_149. No number may begin with 0: C would take it for octal. */
#define MANY_NUMBERS(M)                                                          \
	M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) M(9)                        \
	MANY_TEN(M, 1) MANY_TEN(M, 2) MANY_TEN(M, 3) MANY_TEN(M, 4)              \
	MANY_FIFTY_HIGH(M, ) MANY_FIFTY_LOW(M, 1)

#include "many_kfuncs.h"
