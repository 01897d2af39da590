/* SPDX-License-Identifier: MIT
 *
 * The common beginning of the objects here.
 */
#pragma once

#include <linux/bpf.h>
#include <stddef.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define AF_INET 2

char _license[] SEC("license") = "GPL";

/* An array of one counter. */
#define COUNTER(name, map_type)             \
	struct {                            \
		__uint(type, map_type);     \
		__uint(max_entries, 1);     \
		__type(key, __u32);         \
		__type(value, __u64);       \
	} name SEC(".maps")

/* A ring buffer with records of a type. */
#define RING(name, record)                          \
	struct {                                    \
		__uint(type, BPF_MAP_TYPE_RINGBUF); \
		__uint(max_entries, 1 << 20);       \
		__type(value, record);              \
	} name SEC(".maps")

static __always_inline void count_in(void *counter)
{
	__u32 first = 0;
	__u64 *n = bpf_map_lookup_elem(counter, &first);

	if (n)
		__sync_fetch_and_add(n, 1);
}
