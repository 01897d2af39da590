/* struct_ops: TCP congestion controls. */
#include "kinds.h"

/* Globals that show a test what was called. */
__u32 inits, releases, acks, largest;
__u32 second_acks;

struct sock;

struct tcp_sock {
	__u32 snd_cwnd;
	__u32 snd_ssthresh;
} KERNEL_STRUCT;

struct module;

/* Only the members that are used, in another order than the kernel's: they are found by name. */
struct tcp_congestion_ops {
	char name[16];
	__u32 flags;
	struct module *owner;
	void (*init)(struct sock *sk);
	void (*release)(struct sock *sk);
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	__u32 (*undo_cwnd)(struct sock *sk);
};

SEC("struct_ops/init")
int cc_init(unsigned long long *ctx)
{
	__sync_fetch_and_add(&inits, 1);
	return 0;
}

SEC("struct_ops/release")
int cc_release(unsigned long long *ctx)
{
	__sync_fetch_and_add(&releases, 1);
	return 0;
}

SEC("struct_ops/ssthresh")
__u32 cc_ssthresh(unsigned long long *ctx)
{
	struct tcp_sock *tp = (struct tcp_sock *)ctx[0];
	__u32 half = tp->snd_cwnd / 2;

	return half > 2 ? half : 2;
}

/* Additive increase, by one segment for each acknowledgement. */
SEC("struct_ops/cong_avoid")
int cc_cong_avoid(unsigned long long *ctx)
{
	struct tcp_sock *tp = (struct tcp_sock *)ctx[0];

	__sync_fetch_and_add(&acks, 1);
	tp->snd_cwnd = tp->snd_cwnd + 1;
	if (tp->snd_cwnd > largest)
		largest = tp->snd_cwnd;
	return 0;
}

SEC("struct_ops/cong_avoid")
int cc_second(unsigned long long *ctx)
{
	__sync_fetch_and_add(&second_acks, 1);
	return 0;
}

SEC("struct_ops/undo_cwnd")
__u32 cc_undo_cwnd(unsigned long long *ctx)
{
	return ((struct tcp_sock *)ctx[0])->snd_cwnd;
}

SEC(".struct_ops")
struct tcp_congestion_ops plain = {
	.name = "b2l_plain",
	.init = (void *)cc_init,
	.release = (void *)cc_release,
	.ssthresh = (void *)cc_ssthresh,
	.cong_avoid = (void *)cc_cong_avoid,
	.undo_cwnd = (void *)cc_undo_cwnd,
};

/* Shares programs with the first one. */
SEC("?.struct_ops")
struct tcp_congestion_ops spare = {
	.name = "b2l_spare",
	.ssthresh = (void *)cc_ssthresh,
	.cong_avoid = (void *)cc_second,
	.undo_cwnd = (void *)cc_undo_cwnd,
};

/* Two structs for one link, which have the same name in the kernel. */
SEC("?.struct_ops.link")
struct tcp_congestion_ops linked = {
	.name = "b2l_linked",
	.ssthresh = (void *)cc_ssthresh,
	.cong_avoid = (void *)cc_cong_avoid,
	.undo_cwnd = (void *)cc_undo_cwnd,
};

SEC("?.struct_ops.link")
struct tcp_congestion_ops relinked = {
	.name = "b2l_linked",
	.ssthresh = (void *)cc_ssthresh,
	.cong_avoid = (void *)cc_second,
	.undo_cwnd = (void *)cc_undo_cwnd,
};
