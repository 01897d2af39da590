/* Data sections whose variables are listed in a different order from their offsets: static, global
 * and hidden ones mixed, with sizes that leave holes, in sections that only BTF or only ELF has.
 *
 * run: sum retval=0 total=87
 */
#include "bpf_test.h"

extern __u64 declared_first;

static volatile __u8 a_static = 1;
__u64 b_global = 2;
static volatile __u16 c_static = 3;
__hidden __u32 d_hidden = 4;
__u8 e_global = 5;
__u64 declared_first = 6;
static volatile __u32 f_zero;
__u16 g_zero;
static const volatile __u32 h_const = 7;
const volatile __u8 i_const = 8;
static volatile __u8 j_array[3] = {9, 10, 11};
__weak __u64 k_weak = 21;
__u64 total;

SEC("tc")
int sum(struct __sk_buff *skb)
{
	f_zero = 0;
	total = a_static + b_global + c_static + d_hidden + e_global + declared_first + f_zero + g_zero +
		h_const + i_const + j_array[0] + j_array[1] + j_array[2] + k_weak;
	return 0;
}

LICENSE("Dual MIT/GPL");
