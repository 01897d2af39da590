/* Sections of cgroup programs for unix sockets, since Linux 6.7. Debian 12's libbpf does not know them. */
#include "bpf_test.h"

#define PROG(sec, name) \
	SEC(sec) int name(struct bpf_sock_addr *ctx) \
	{               \
		return 1; \
	}

PROG("cgroup/connect_unix", connect_unix)
PROG("cgroup/sendmsg_unix", sendmsg_unix)
PROG("cgroup/recvmsg_unix", recvmsg_unix)
PROG("cgroup/getpeername_unix", getpeername_unix)
PROG("cgroup/getsockname_unix", getsockname_unix)

LICENSE("Dual MIT/GPL");
