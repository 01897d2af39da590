/* SPDX-License-Identifier: MIT
 *
 * The kernel structs that test objects read, with only the fields that are used. CO-RE relocates
 * them, so no machine's vmlinux.h is needed.
 */
#pragma once

#define KERNEL_STRUCTS __attribute__((preserve_access_index))

struct mm_struct {
	unsigned long start_code;
	unsigned long end_code;
	int map_count;
} KERNEL_STRUCTS;

struct cred {
	struct {
		unsigned int val;
	} uid, gid;
} KERNEL_STRUCTS;

struct upid {
	int nr;
} KERNEL_STRUCTS;

struct pid {
	unsigned int level;
	struct upid numbers[1];
} KERNEL_STRUCTS;

struct nsproxy {
	struct net *net_ns;
	struct uts_namespace *uts_ns;
} KERNEL_STRUCTS;

struct task_struct {
	unsigned int flags;
	int prio;
	unsigned sched_reset_on_fork : 1;
	unsigned in_execve : 1;
	struct mm_struct *mm;
	int exit_code;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	unsigned long long start_time;
	const struct cred *cred;
	char comm[16];
	struct nsproxy *nsproxy;
} KERNEL_STRUCTS;

struct net_device {
	int ifindex;
	unsigned int mtu;
	char name[16];
} KERNEL_STRUCTS;

struct sock_common {
	unsigned short skc_family;
	volatile unsigned char skc_state;
	unsigned char skc_reuse : 4;
	unsigned char skc_reuseport : 1;
	int skc_bound_dev_if;
} KERNEL_STRUCTS;

struct sock {
	struct sock_common __sk_common;
	int sk_rcvbuf;
	unsigned short sk_type;
	unsigned short sk_protocol;
} KERNEL_STRUCTS;

struct sk_buff {
	struct net_device *dev;
	struct sock *sk;
	unsigned int len;
	unsigned int data_len;
	unsigned short mac_len;
	unsigned char pkt_type : 3;
	unsigned char cloned : 1;
	unsigned int mark;
	unsigned short protocol;
} KERNEL_STRUCTS;

struct qstr {
	const unsigned char *name;
} KERNEL_STRUCTS;

struct inode {
	unsigned short i_mode;
	unsigned long i_ino;
	long long i_size;
} KERNEL_STRUCTS;

struct dentry {
	struct qstr d_name;
	struct inode *d_inode;
	struct dentry *d_parent;
} KERNEL_STRUCTS;

struct path {
	struct dentry *dentry;
} KERNEL_STRUCTS;

struct file {
	struct path f_path;
	struct inode *f_inode;
	unsigned int f_flags;
} KERNEL_STRUCTS;

struct linux_binprm {
	struct file *file;
	const char *filename;
} KERNEL_STRUCTS;

struct cgroup {
	int level;
} KERNEL_STRUCTS;

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
	unsigned long long session_id;
	unsigned long long seq_num;
} KERNEL_STRUCTS;

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} KERNEL_STRUCTS;

struct bpf_map;

struct bpf_iter__bpf_map {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
} KERNEL_STRUCTS;

struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	void *key;
	void *value;
} KERNEL_STRUCTS;
