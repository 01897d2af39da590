/* SPDX-License-Identifier: MIT
 *
 * Shared by the bench's objects: the kernel structs that such tracing tools read, with only the
 * fields that are used. CO-RE relocates them.
 */
#pragma once

#include "bpf_test.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct list_head {
	struct list_head *next, *prev;
};

struct kuid {
	unsigned int val;
};

struct cred {
	struct kuid uid, gid, euid, egid;
};

struct upid {
	int nr;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct ns_common {
	unsigned int inum;
};

struct pid_namespace {
	unsigned int level;
	struct ns_common ns;
};

struct mnt_namespace {
	struct ns_common ns;
};

struct net {
	struct ns_common ns;
};

struct nsproxy {
	struct mnt_namespace *mnt_ns;
	struct pid_namespace *pid_ns_for_children;
	struct net *net_ns;
};

struct inode {
	unsigned short i_mode;
	struct kuid i_uid;
	unsigned int i_nlink;
	unsigned long i_ino;
	long long i_size;
	struct super_block *i_sb;
};

struct super_block {
	unsigned int s_dev;
	unsigned long s_magic;
	unsigned long s_flags;
};

struct qstr {
	unsigned int len;
	const unsigned char *name;
};

struct dentry {
	struct qstr d_name;
	struct dentry *d_parent;
	struct inode *d_inode;
};

struct vfsmount {
	struct dentry *mnt_root;
	struct super_block *mnt_sb;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	struct path f_path;
	struct inode *f_inode;
	unsigned int f_flags;
	unsigned int f_mode;
	long long f_pos;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct mm_struct {
	unsigned long start_code, end_code, start_data, end_data;
	unsigned long start_brk, brk, start_stack;
	unsigned long arg_start, arg_end, env_start, env_end;
	unsigned long total_vm, locked_vm, data_vm, exec_vm, stack_vm;
	unsigned long hiwater_rss, hiwater_vm;
	int map_count;
	struct file *exe_file;
	struct task_struct *owner;
};

struct signal_struct {
	int nr_threads;
	int oom_score_adj;
	int group_exit_code;
};

struct sched_entity {
	unsigned long long sum_exec_runtime;
	unsigned long long vruntime;
};

struct task_struct {
	unsigned int flags;
	int prio, static_prio, normal_prio;
	unsigned int policy;
	int exit_code, exit_signal;
	int pid, tgid;
	struct task_struct *real_parent, *group_leader;
	unsigned long nvcsw, nivcsw;
	unsigned long long start_time, utime, stime;
	unsigned long min_flt, maj_flt;
	struct sched_entity se;
	struct mm_struct *mm;
	struct pid *thread_pid;
	struct files_struct *files;
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	const struct cred *cred, *real_cred;
	char comm[16];
};

struct linux_binprm {
	struct mm_struct *mm;
	struct file *file;
	const char *filename, *interp;
	int argc, envc;
};

struct in6_addr {
	union {
		unsigned char u6_addr8[16];
		unsigned int u6_addr32[4];
	} in6_u;
};

struct sock_common {
	unsigned int skc_daddr, skc_rcv_saddr;
	unsigned short skc_dport, skc_num, skc_family;
	volatile unsigned char skc_state;
	int skc_bound_dev_if;
	struct {
		struct net *net;
	} skc_net;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
};

struct sock {
	struct sock_common __sk_common;
	int sk_rcvbuf, sk_sndbuf, sk_err, sk_wmem_queued;
	unsigned short sk_protocol, sk_type;
	unsigned int sk_mark, sk_priority;
};

struct tcp_sock {
	unsigned int snd_cwnd, snd_ssthresh, srtt_us, mdev_us;
	unsigned int packets_out, retrans_out, lost_out, sacked_out;
	unsigned int rcv_wnd, snd_wnd, total_retrans;
	unsigned long long bytes_received, bytes_acked, bytes_sent;
};

struct net_device {
	int ifindex;
	unsigned int mtu;
	unsigned int flags;
	char name[16];
};

struct sk_buff {
	struct net_device *dev;
	struct sock *sk;
	unsigned int len, data_len, mark, hash;
	unsigned short mac_len, protocol, transport_header, network_header, mac_header;
	unsigned char *head, *data;
};

struct gendisk {
	int major, first_minor, minors;
	char disk_name[32];
};

struct request_queue {
	struct gendisk *disk;
};

struct request {
	struct request_queue *q;
	unsigned int cmd_flags;
	unsigned int __data_len;
	unsigned long long __sector;
	unsigned long long start_time_ns;
};

#pragma clang attribute pop

#define HASH(name_, key_, value_, entries_) \
	struct { \
		__uint(type, BPF_MAP_TYPE_HASH); \
		__uint(max_entries, entries_); \
		__type(key, key_); \
		__type(value, value_); \
	} name_ SEC(".maps")

#define PERCPU_ARRAY(name_, value_, entries_) \
	struct { \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); \
		__uint(max_entries, entries_); \
		__type(key, __u32); \
		__type(value, value_); \
	} name_ SEC(".maps")

#define RINGBUF(name_, size_) \
	struct { \
		__uint(type, BPF_MAP_TYPE_RINGBUF); \
		__uint(max_entries, size_); \
	} name_ SEC(".maps")

/* Returns the bucket of a histogram of powers of two. */
static __always_inline __u32 log2_bucket(__u64 v, __u32 buckets)
{
	__u32 r = 0;

#pragma unroll
	for (int shift = 32; shift > 0; shift >>= 1) {
		if (v >> shift) {
			v >>= shift;
			r += shift;
		}
	}
	return r < buckets ? r : buckets - 1;
}
