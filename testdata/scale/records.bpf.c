/* A thousand CO-RE records in one program, of alternating types. */
#include "bench.h"

__u64 sum;

/* Hides the pointer from the compiler, which would otherwise keep one record for all. */
#define READ(type, field) \
	asm volatile("" : "+r"(p)); \
	bpf_core_read(&value, sizeof(value), &((struct type *)p)->field); \
	sum += value;

#define TEN \
	READ(task_struct, pid) \
	READ(mm_struct, map_count) \
	READ(file, f_flags) \
	READ(sock, sk_rcvbuf) \
	READ(inode, i_nlink) \
	READ(net_device, mtu) \
	READ(sk_buff, len) \
	READ(tcp_sock, srtt_us) \
	READ(signal_struct, nr_threads) \
	READ(gendisk, major)
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

SEC("raw_tp/sys_enter")
int thousand(void *ctx)
{
	void *p = ctx;
	__u32 value = 0;

	HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED
	return 0;
}

LICENSE("GPL");
