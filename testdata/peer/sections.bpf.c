/* Section names that libbpf does not know.
 *
 * accepts: sections whose names extend one of libbpf's: `xdp/mine`, `tc_egress`, `cgroup/connect4/x`
 * as: programs of that section
 */
#include "bpf_test.h"

#define PROGRAM(name, section) SEC(section) int name(void *ctx) { return 0; }

PROGRAM(socket_name, "socket/http_filter")
PROGRAM(xdp_name, "xdp/mine")
PROGRAM(xdp_frags, "xdp.frags/mine")
PROGRAM(tc_name, "tc/entry")
PROGRAM(tc_word, "tc_egress")
PROGRAM(classifier_word, "classifier_ingress")
PROGRAM(action_name, "action/mine")
PROGRAM(perf_name, "perf_event/profiler")
PROGRAM(sk_skb_word, "sk_skb/mine")
PROGRAM(cgroup_skb, "cgroup_skb/ingress/mine")
PROGRAM(syscall_name, "syscall/mine")

SEC("cgroup/connect4/x")
int connect_name(void *ctx)
{
	return 1;
}

LICENSE("GPL");
