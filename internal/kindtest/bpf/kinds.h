/* SPDX-License-Identifier: MIT
 *
 * The common beginning of the objects here.
 */
#pragma once

#include <linux/bpf.h>
#include <stddef.h>
#include <bpf/bpf_helpers.h>

#define MAP(map_type, name, key_type, value_type, entries) \
	struct {                                           \
		__uint(type, map_type);                    \
		__type(key, key_type);                     \
		__type(value, value_type);                 \
		__uint(max_entries, entries);              \
	} name SEC(".maps")

/* Makes the compiler describe a type that is only used inside functions. */
#define DESCRIBE(type, name) const type *describe_##name __attribute__((unused))

char _license[] SEC("license") = "GPL";

/* Kernel structs with the fields that are used. CO-RE relocates them. */
#define KERNEL_STRUCT __attribute__((preserve_access_index))

struct task_struct {
	int pid, tgid;
	struct task_struct *group_leader;
	struct css_set *cgroups;
} KERNEL_STRUCT;

struct css_set {
	struct cgroup *dfl_cgrp;
} KERNEL_STRUCT;

struct file {
	struct inode *f_inode;
} KERNEL_STRUCT;

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
} KERNEL_STRUCT;

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} KERNEL_STRUCT;

struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	void *key;
	void *value;
} KERNEL_STRUCT;
