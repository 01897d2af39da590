/* SPDX-License-Identifier: MIT
 *
 * The test modules' 300 kfuncs: bpf_kmod_many_N(a) is a + N. KFUNC_TENS(M, 12): M(120) to M(129).
 */
#pragma once

#define KFUNC_TENS(M, t) M(t##0) M(t##1) M(t##2) M(t##3) M(t##4) M(t##5) M(t##6) M(t##7) M(t##8) M(t##9)

#define KFUNC_100(M)                                                                       \
	KFUNC_TENS(M, ) KFUNC_TENS(M, 1) KFUNC_TENS(M, 2) KFUNC_TENS(M, 3) KFUNC_TENS(M, 4) \
	KFUNC_TENS(M, 5) KFUNC_TENS(M, 6) KFUNC_TENS(M, 7) KFUNC_TENS(M, 8) KFUNC_TENS(M, 9)

#define KFUNC_FIFTY(M, h) \
	KFUNC_TENS(M, h##0) KFUNC_TENS(M, h##1) KFUNC_TENS(M, h##2) KFUNC_TENS(M, h##3) KFUNC_TENS(M, h##4)
#define KFUNC_OTHER_FIFTY(M, h) \
	KFUNC_TENS(M, h##5) KFUNC_TENS(M, h##6) KFUNC_TENS(M, h##7) KFUNC_TENS(M, h##8) KFUNC_TENS(M, h##9)

#define DECLARE_KFUNC(n) extern __u64 bpf_kmod_many_##n(__u64 a) __ksym;
#define CALL_KFUNC(n) x = bpf_kmod_many_##n(x);
