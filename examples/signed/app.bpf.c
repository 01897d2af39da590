//go:build ignore

// SPDX-License-Identifier: MIT
//
// Something to sign: says how often it was run.

#include <linux/types.h>
#include <bpf/bpf_helpers.h>

__u32 runs = 0;

SEC("syscall")
int count(void *ctx)
{
	return ++runs;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
