/* For the bench: TCP connections as they change state: sock, tcp_sock and task by CO-RE. */
#include "bench.h"

struct flow {
	__u32 saddr[4], daddr[4];
	__u16 sport, dport, family;
};

struct event {
	struct flow flow;
	__u64 at, us;
	__u32 pid, uid, netns;
	int old_state, new_state;
	__u64 sent, acked, received;
	__u32 srtt_us, retrans, cwnd;
	char comm[16];
};

struct owner {
	__u64 since;
	__u32 pid, uid;
	char comm[16];
};

HASH(owners, struct sock *, struct owner, 16384);
HASH(ports, __u16, __u8, 64);
RINGBUF(events, 256 * 1024);

const volatile __u32 target_family;
const volatile _Bool filter_ports;
__u64 lost;

static __always_inline void read_flow(struct flow *f, const struct sock *sk)
{
	f->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	f->sport = BPF_CORE_READ(sk, __sk_common.skc_num);
	f->dport = BPF_CORE_READ(sk, __sk_common.skc_dport);
	if (f->family == 2) {
		f->saddr[0] = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
		f->daddr[0] = BPF_CORE_READ(sk, __sk_common.skc_daddr);
	} else {
		BPF_CORE_READ_INTO(&f->saddr, sk, __sk_common.skc_v6_rcv_saddr.in6_u.u6_addr32);
		BPF_CORE_READ_INTO(&f->daddr, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr32);
	}
}

SEC("raw_tracepoint/inet_sock_set_state")
int state_changed(struct bpf_raw_tracepoint_args *ctx)
{
	const struct sock *sk = (void *)ctx->args[0];
	struct owner *known = bpf_map_lookup_elem(&owners, &sk);
	const struct tcp_sock *tp = (void *)sk;
	struct event *e;
	__u16 port;

	if (target_family && target_family != BPF_CORE_READ(sk, __sk_common.skc_family))
		return 0;
	port = BPF_CORE_READ(sk, __sk_common.skc_dport);
	if (filter_ports && !bpf_map_lookup_elem(&ports, &port))
		return 0;
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		__sync_fetch_and_add(&lost, 1);
		return 0;
	}
	__builtin_memset(e, 0, sizeof(*e));
	read_flow(&e->flow, sk);
	e->at = bpf_ktime_get_ns();
	e->old_state = ctx->args[1];
	e->new_state = ctx->args[2];
	e->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	e->sent = BPF_CORE_READ(tp, bytes_sent);
	e->acked = BPF_CORE_READ(tp, bytes_acked);
	e->received = BPF_CORE_READ(tp, bytes_received);
	e->srtt_us = BPF_CORE_READ(tp, srtt_us) >> 3;
	e->retrans = BPF_CORE_READ(tp, total_retrans);
	e->cwnd = BPF_CORE_READ(tp, snd_cwnd);
	if (known) {
		e->us = (e->at - known->since) / 1000;
		e->pid = known->pid;
		e->uid = known->uid;
		__builtin_memcpy(e->comm, known->comm, sizeof(e->comm));
	}
	if (e->new_state == 7)
		bpf_map_delete_elem(&owners, &sk);
	bpf_ringbuf_submit(e, 0);
	return 0;
}

static __always_inline int remember(struct sock *sk)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct owner o = { .since = bpf_ktime_get_ns() };

	o.pid = BPF_CORE_READ(task, tgid);
	o.uid = BPF_CORE_READ(task, cred, uid.val);
	BPF_CORE_READ_INTO(&o.comm, task, comm);
	bpf_map_update_elem(&owners, &sk, &o, BPF_ANY);
	return 0;
}

SEC("kprobe/tcp_v4_connect")
int connect_v4(struct pt_regs *ctx)
{
	struct sock *sk = NULL;

	bpf_probe_read_kernel(&sk, sizeof(sk), ctx);
	return remember(sk);
}

SEC("kprobe/tcp_v6_connect")
int connect_v6(struct pt_regs *ctx)
{
	struct sock *sk = NULL;

	bpf_probe_read_kernel(&sk, sizeof(sk), ctx);
	return remember(sk);
}

LICENSE("GPL");
