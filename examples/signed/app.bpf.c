//go:build ignore

// SPDX-License-Identifier: MIT
//
// A program to sign. It returns how often it was run.

#include <linux/types.h>
#include <bpf/bpf_helpers.h>

__u32 runs = 0;

SEC("syscall")
int count(void *ctx)
{
	return ++runs;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
