/* Sections of tcx and netkit programs, and their aliases tc/ingress and tc/egress, which give a tc program
 * an expected attach type. Debian 12's libbpf does not know them.
 *
 * run: ingress retval=1
 * run: primary retval=5
 */
#include "bpf_test.h"

#define PROG(sec, name, value)              \
	SEC(sec) int name(struct __sk_buff *skb) \
	{                                   \
		return value;               \
	}

PROG("tcx/ingress", ingress, 1)
PROG("tcx/egress", egress, 2)
PROG("tc/ingress", old_ingress, 3)
PROG("tc/egress", old_egress, 4)
PROG("netkit/primary", primary, 5)
PROG("netkit/peer", peer, 6)

LICENSE("Dual MIT/GPL");
