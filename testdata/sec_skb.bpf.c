/* Sections of programs that see a packet as an skb: tc, classifier, action, socket, flow_dissector, all lwt_*.
 *
 * run: tc_prog retval=1
 * run: classifier_prog retval=2
 * run: action_prog retval=3
 * run: socket_prog retval=4
 * run: out_prog retval=0
 */
#include "bpf_test.h"

#define PROG(sec, name, value)              \
	SEC(sec) int name(struct __sk_buff *skb) \
	{                                   \
		return value;               \
	}

PROG("tc", tc_prog, 1)
PROG("classifier", classifier_prog, 2)
PROG("action", action_prog, 3)
PROG("socket", socket_prog, 4)
PROG("lwt_in", in_prog, 0)
PROG("lwt_out", out_prog, 0)
PROG("lwt_xmit", xmit_prog, 0)
PROG("lwt_seg6local", seg6_prog, 0)
PROG("flow_dissector", dissect_prog, 0)

LICENSE("Dual MIT/GPL");
