/* All sections of cgroup programs that Debian 12's libbpf knows.
 *
 * run: skb_ingress retval=1
 */
#include "bpf_test.h"

#define PROG(sec, name, context) \
	SEC(sec) int name(struct context *ctx) \
	{                        \
		return 1;        \
	}

PROG("cgroup_skb/ingress", skb_ingress, __sk_buff)
PROG("cgroup_skb/egress", skb_egress, __sk_buff)
PROG("cgroup/skb", skb_any, __sk_buff)
PROG("cgroup/sock_create", sock_create, bpf_sock)
PROG("cgroup/sock_release", sock_release, bpf_sock)
PROG("cgroup/sock", sock, bpf_sock)
PROG("cgroup/post_bind4", post_bind4, bpf_sock)
PROG("cgroup/post_bind6", post_bind6, bpf_sock)
PROG("cgroup/bind4", bind4, bpf_sock_addr)
PROG("cgroup/bind6", bind6, bpf_sock_addr)
PROG("cgroup/connect4", connect4, bpf_sock_addr)
PROG("cgroup/connect6", connect6, bpf_sock_addr)
PROG("cgroup/sendmsg4", sendmsg4, bpf_sock_addr)
PROG("cgroup/sendmsg6", sendmsg6, bpf_sock_addr)
PROG("cgroup/recvmsg4", recvmsg4, bpf_sock_addr)
PROG("cgroup/recvmsg6", recvmsg6, bpf_sock_addr)
PROG("cgroup/getpeername4", getpeername4, bpf_sock_addr)
PROG("cgroup/getpeername6", getpeername6, bpf_sock_addr)
PROG("cgroup/getsockname4", getsockname4, bpf_sock_addr)
PROG("cgroup/getsockname6", getsockname6, bpf_sock_addr)
PROG("cgroup/sysctl", sysctl, bpf_sysctl)
PROG("cgroup/getsockopt", getsockopt, bpf_sockopt)
PROG("cgroup/setsockopt", setsockopt, bpf_sockopt)
PROG("cgroup/dev", device, bpf_cgroup_dev_ctx)

LICENSE("Dual MIT/GPL");
