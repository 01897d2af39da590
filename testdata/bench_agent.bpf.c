/* For the bench: a security agent, 29 programs of several types with 18 maps, for processes, files,
 * memory and sockets, all with CO-RE. As many as libbpf's loader supports.
 */
#include "bench.h"

struct process {
	__u64 start_time, mm_total, exe_ino;
	__u32 pid, tgid, ppid, uid, gid, euid, egid, pidns, netns, mntns, threads;
	__s32 oom_score_adj;
	char comm[16], parent[16], exe[64];
};

struct event {
	struct process who;
	__u32 kind, size;
	__u64 at, a, b, c, d;
	char text[128];
};

RINGBUF(events, 1 << 20);
HASH(processes, __u32, struct process, 16384);
HASH(ignored, __u32, __u8, 1024);
HASH(by_uid, __u32, __u64, 4096);
HASH(by_netns, __u32, __u64, 1024);
HASH(by_inode, __u64, __u64, 16384);
HASH(by_address, __u32, __u64, 16384);
HASH(by_port, __u16, __u64, 1024);
HASH(by_kind, __u32, __u64, 64);
HASH(sockets, struct sock *, struct process, 16384);
HASH(requests, struct request *, __u64, 4096);
HASH(disks, __u32, __u64, 64);
HASH(devices, __u32, __u64, 64);
HASH(children, __u32, __u64, 4096);
PERCPU_ARRAY(scratch, struct event, 1);
PERCPU_ARRAY(wait_us, __u64, 64);
PERCPU_ARRAY(drop_reasons, __u64, 256);
PERCPU_ARRAY(faults, __u64, 16);

const volatile _Bool want_files = 1, want_net = 1, want_memory = 1;
const volatile __u32 own_tgid;
__u64 emitted, lost;

static __noinline int describe(struct process *p)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	const unsigned char *name;

	if (!p)
		return 0;
	p->pid = BPF_CORE_READ(task, pid);
	p->tgid = BPF_CORE_READ(task, tgid);
	p->ppid = BPF_CORE_READ(task, real_parent, tgid);
	p->uid = BPF_CORE_READ(task, cred, uid.val);
	p->gid = BPF_CORE_READ(task, cred, gid.val);
	p->euid = BPF_CORE_READ(task, cred, euid.val);
	p->egid = BPF_CORE_READ(task, cred, egid.val);
	p->pidns = BPF_CORE_READ(task, nsproxy, pid_ns_for_children, ns.inum);
	p->netns = BPF_CORE_READ(task, nsproxy, net_ns, ns.inum);
	p->mntns = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
	p->threads = BPF_CORE_READ(task, signal, nr_threads);
	p->oom_score_adj = BPF_CORE_READ(task, signal, oom_score_adj);
	p->start_time = BPF_CORE_READ(task, start_time);
	p->mm_total = BPF_CORE_READ(task, mm, total_vm);
	p->exe_ino = BPF_CORE_READ(task, mm, exe_file, f_inode, i_ino);
	name = BPF_CORE_READ(task, mm, exe_file, f_path.dentry, d_name.name);
	bpf_probe_read_kernel_str(p->exe, sizeof(p->exe), name);
	BPF_CORE_READ_INTO(&p->comm, task, comm);
	BPF_CORE_READ_INTO(&p->parent, task, real_parent, comm);
	return 1;
}

static __always_inline struct event *begin(__u32 kind)
{
	__u32 zero = 0, tgid = bpf_get_current_pid_tgid() >> 32;
	struct event *e;

	if (tgid == own_tgid || bpf_map_lookup_elem(&ignored, &tgid))
		return NULL;
	e = bpf_map_lookup_elem(&scratch, &zero);
	if (e) {
		e->kind = kind;
		e->at = bpf_ktime_get_ns();
		e->a = e->b = e->c = e->d = 0;
	}
	return e;
}

static __noinline int emit(struct event *e)
{
	if (!e)
		return 0;
	describe(&e->who);
	if (bpf_ringbuf_output(&events, e, sizeof(*e), 0))
		__sync_fetch_and_add(&lost, 1);
	else
		__sync_fetch_and_add(&emitted, 1);
	return 0;
}

#define COUNT(map_, key_) \
	({ \
		__typeof__(key_) key__ = (key_); \
		__u64 one__ = 1, *n__ = bpf_map_lookup_elem(&map_, &key__); \
		if (n__) \
			__sync_fetch_and_add(n__, 1); \
		else \
			bpf_map_update_elem(&map_, &key__, &one__, BPF_NOEXIST); \
	})

SEC("raw_tp/sched_process_exec")
int executed(struct bpf_raw_tracepoint_args *ctx)
{
	struct linux_binprm *bprm = (void *)ctx->args[2];
	struct event *e = begin(1);
	const char *filename;

	if (!e)
		return 0;
	e->a = BPF_CORE_READ(bprm, argc);
	e->b = BPF_CORE_READ(bprm, envc);
	e->c = BPF_CORE_READ(bprm, file, f_inode, i_ino);
	filename = BPF_CORE_READ(bprm, filename);
	bpf_probe_read_kernel_str(e->text, sizeof(e->text), filename);
	COUNT(by_inode, e->c);
	return emit(e);
}

SEC("raw_tp/sched_process_fork")
int forked(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *parent = (void *)ctx->args[0], *child = (void *)ctx->args[1];
	struct event *e = begin(2);

	if (!e)
		return 0;
	e->a = BPF_CORE_READ(parent, tgid);
	e->b = BPF_CORE_READ(child, tgid);
	e->c = BPF_CORE_READ(child, thread_pid, level);
	e->d = BPF_CORE_READ(child, thread_pid, numbers[0].nr);
	COUNT(children, (__u32)e->a);
	return emit(e);
}

SEC("raw_tp/sched_process_exit")
int exited(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct event *e = begin(3);
	__u32 tgid;

	if (!e)
		return 0;
	e->a = BPF_CORE_READ(task, exit_code);
	e->b = BPF_CORE_READ(task, signal, group_exit_code);
	e->c = BPF_CORE_READ(task, utime);
	e->d = BPF_CORE_READ(task, stime);
	tgid = BPF_CORE_READ(task, tgid);
	bpf_map_delete_elem(&processes, &tgid);
	return emit(e);
}

SEC("raw_tp/task_rename")
int renamed(struct bpf_raw_tracepoint_args *ctx)
{
	struct event *e = begin(4);

	if (!e)
		return 0;
	bpf_probe_read_kernel_str(e->text, sizeof(e->text), (void *)ctx->args[1]);
	return emit(e);
}

SEC("raw_tp/sched_switch")
int sched(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *prev = (void *)ctx->args[1];
	__u32 prio = BPF_CORE_READ(prev, prio) & 63;
	__u64 *us = bpf_map_lookup_elem(&wait_us, &prio);

	if (us)
		*us += BPF_CORE_READ(prev, se.sum_exec_runtime) / 1000;
	return 0;
}

#define ON_FILE(name_, hook_, kind_) \
	SEC("kprobe/" hook_) \
	int name_(struct file **ctx) \
	{ \
		struct event *e = want_files ? begin(kind_) : NULL; \
		struct file *file = NULL; \
		const unsigned char *text; \
\
		if (!e) \
			return 0; \
		bpf_probe_read_kernel(&file, sizeof(file), ctx); \
		e->a = BPF_CORE_READ(file, f_inode, i_ino); \
		e->b = BPF_CORE_READ(file, f_inode, i_sb, s_dev); \
		e->c = BPF_CORE_READ(file, f_inode, i_mode); \
		e->d = BPF_CORE_READ(file, f_flags); \
		text = BPF_CORE_READ(file, f_path.dentry, d_name.name); \
		bpf_probe_read_kernel_str(e->text, sizeof(e->text), text); \
		COUNT(by_inode, e->a); \
		return emit(e); \
	}

ON_FILE(file_open, "security_file_open", 10)
ON_FILE(file_read, "vfs_read", 11)
ON_FILE(file_write, "vfs_write", 12)
ON_FILE(file_fsync, "vfs_fsync", 13)
ON_FILE(file_ioctl, "security_file_ioctl", 14)
ON_FILE(file_mmap, "security_mmap_file", 15)

#define ON_DENTRY(name_, hook_, kind_) \
	SEC("kprobe/" hook_) \
	int name_(struct dentry **ctx) \
	{ \
		struct event *e = want_files ? begin(kind_) : NULL; \
		struct dentry *dentry = NULL; \
		const unsigned char *text; \
\
		if (!e) \
			return 0; \
		bpf_probe_read_kernel(&dentry, sizeof(dentry), ctx + 1); \
		e->a = BPF_CORE_READ(dentry, d_inode, i_ino); \
		e->b = BPF_CORE_READ(dentry, d_inode, i_sb, s_magic); \
		e->c = BPF_CORE_READ(dentry, d_inode, i_uid.val); \
		e->d = BPF_CORE_READ(dentry, d_parent, d_inode, i_ino); \
		text = BPF_CORE_READ(dentry, d_name.name); \
		bpf_probe_read_kernel_str(e->text, sizeof(e->text), text); \
		return emit(e); \
	}

ON_DENTRY(unlink, "security_inode_unlink", 20)
ON_DENTRY(mkdir, "security_inode_mkdir", 21)
ON_DENTRY(rmdir, "security_inode_rmdir", 22)
ON_DENTRY(link, "security_inode_link", 23)
ON_DENTRY(symlink, "security_inode_symlink", 24)
ON_DENTRY(setattr, "security_inode_setattr", 25)

#define ON_SOCKET(name_, hook_, kind_) \
	SEC("kprobe/" hook_) \
	int name_(struct sock **ctx) \
	{ \
		struct event *e = want_net ? begin(kind_) : NULL; \
		struct sock *sk = NULL; \
\
		if (!e) \
			return 0; \
		bpf_probe_read_kernel(&sk, sizeof(sk), ctx); \
		e->a = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr); \
		e->b = BPF_CORE_READ(sk, __sk_common.skc_daddr); \
		e->c = BPF_CORE_READ(sk, __sk_common.skc_dport); \
		e->d = BPF_CORE_READ(sk, sk_mark); \
		COUNT(by_port, (__u16)e->c); \
		COUNT(by_address, (__u32)e->b); \
		COUNT(by_netns, BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum)); \
		return emit(e); \
	}

ON_SOCKET(connect4, "tcp_v4_connect", 30)
ON_SOCKET(connect6, "tcp_v6_connect", 31)
ON_SOCKET(tcp_closed, "tcp_close", 32)
ON_SOCKET(tcp_sent, "tcp_sendmsg", 33)
ON_SOCKET(udp_sent, "udp_sendmsg", 34)
ON_SOCKET(listening, "inet_csk_listen_start", 35)

SEC("raw_tp/inet_sock_set_state")
int sock_state(struct bpf_raw_tracepoint_args *ctx)
{
	struct sock *sk = (void *)ctx->args[0];
	struct process p = {};

	p.pid = ctx->args[2];
	p.netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	bpf_map_update_elem(&sockets, &sk, &p, BPF_ANY);
	return 0;
}

SEC("raw_tp/tcp_retransmit_skb")
int retransmit(struct bpf_raw_tracepoint_args *ctx)
{
	struct tcp_sock *tp = (void *)ctx->args[0];
	struct event *e = want_net ? begin(36) : NULL;

	if (!e)
		return 0;
	e->a = BPF_CORE_READ(tp, total_retrans);
	e->b = BPF_CORE_READ(tp, snd_cwnd);
	e->c = BPF_CORE_READ(tp, srtt_us);
	e->d = BPF_CORE_READ(tp, lost_out);
	return emit(e);
}

SEC("raw_tp/kfree_skb")
int skb_dropped(struct bpf_raw_tracepoint_args *ctx)
{
	struct sk_buff *skb = (void *)ctx->args[0];
	__u32 reason = ctx->args[2] & 255;
	__u64 *n = bpf_map_lookup_elem(&drop_reasons, &reason);

	if (n)
		*n += BPF_CORE_READ(skb, len);
	COUNT(devices, (__u32)BPF_CORE_READ(skb, dev, ifindex));
	return 0;
}

SEC("raw_tp/block_rq_issue")
int rq_issue(struct bpf_raw_tracepoint_args *ctx)
{
	struct request *rq = (void *)ctx->args[0];
	__u64 now = bpf_ktime_get_ns();

	bpf_map_update_elem(&requests, &rq, &now, BPF_ANY);
	COUNT(disks, (__u32)BPF_CORE_READ(rq, q, disk, major));
	return 0;
}

SEC("raw_tp/block_rq_complete")
int rq_complete(struct bpf_raw_tracepoint_args *ctx)
{
	struct request *rq = (void *)ctx->args[0];

	bpf_map_delete_elem(&requests, &rq);
	return 0;
}

SEC("kprobe/handle_mm_fault")
int page_fault(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u32 index = BPF_CORE_READ(task, flags) & 15;
	__u64 *n = want_memory ? bpf_map_lookup_elem(&faults, &index) : NULL;

	if (n)
		*n += BPF_CORE_READ(task, maj_flt) + BPF_CORE_READ(task, mm, total_vm);
	COUNT(by_uid, (__u32)bpf_get_current_uid_gid());
	COUNT(by_kind, index);
	return 0;
}

LICENSE("GPL");
