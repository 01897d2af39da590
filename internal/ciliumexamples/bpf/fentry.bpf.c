/* Reports which process connects to which address by TCP. */
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

/* Ports and addresses in network byte order. */
struct event {
	__u8 comm[16];
	__u16 sport;
	__be16 dport;
	__be32 saddr;
	__be32 daddr;
};

RING(events, struct event);

SEC("fentry/tcp_connect")
int BPF_PROG(tcp_connect, struct sock *sk)
{
	struct event *e;

	if (sk->__sk_common.skc_family != AF_INET)
		return 0;
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e)
		return 0;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	e->sport = bpf_htons(sk->__sk_common.skc_num);
	e->dport = sk->__sk_common.skc_dport;
	e->saddr = sk->__sk_common.skc_rcv_saddr;
	e->daddr = sk->__sk_common.skc_daddr;
	bpf_ringbuf_submit(e, 0);
	return 0;
}
