/* SPDX-License-Identifier: MIT
 *
 * The functions that a TCP congestion control must have.
 */
#pragma once

#include "bpf_test.h"

struct sock;

SEC("struct_ops/ssthresh")
__u32 ssthresh(__u64 *ctx)
{
	return 2;
}

SEC("struct_ops/cong_avoid")
int cong_avoid(__u64 *ctx)
{
	return 0;
}

SEC("struct_ops/undo_cwnd")
__u32 undo_cwnd(__u64 *ctx)
{
	return 2;
}

#define REQUIRED                           \
	.ssthresh = (void *)ssthresh,      \
	.cong_avoid = (void *)cong_avoid,  \
	.undo_cwnd = (void *)undo_cwnd

#define REQUIRED_MEMBERS                                              \
	__u32 (*ssthresh)(struct sock *sk);                           \
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);  \
	__u32 (*undo_cwnd)(struct sock *sk)

LICENSE("GPL");
