/* Reports the round-trip time of each TCP connection when it is closed. */
#include "example.h"

struct sock_common {
	__be32 skc_daddr, skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
} __attribute__((preserve_access_index));

struct sock {
	struct sock_common __sk_common;
} __attribute__((preserve_access_index));

struct tcp_sock {
	__u32 srtt_us;
} __attribute__((preserve_access_index));

/* Ports in native byte order, addresses in network byte order, times in milliseconds. */
struct event {
	__u16 sport;
	__u16 dport;
	__u32 saddr;
	__u32 daddr;
	__u32 srtt;
};

RING(events, struct event);

SEC("fentry/tcp_close")
int BPF_PROG(tcp_close, struct sock *sk)
{
	struct tcp_sock *tcp;
	struct event *e;

	if (sk->__sk_common.skc_family != AF_INET)
		return 0;
	tcp = bpf_skc_to_tcp_sock(sk);
	if (!tcp)
		return 0;
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e)
		return 0;
	e->sport = sk->__sk_common.skc_num;
	e->dport = bpf_ntohs(sk->__sk_common.skc_dport);
	e->saddr = sk->__sk_common.skc_rcv_saddr;
	e->daddr = sk->__sk_common.skc_daddr;
	e->srtt = (tcp->srtt_us >> 3) / 1000;
	bpf_ringbuf_submit(e, 0);
	return 0;
}
