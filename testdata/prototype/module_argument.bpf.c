/* A module's kfunc whose third argument is a pointer here, and the second one's length in the
 * kernel. struct nf_conn is only declared, as in sources that do not read it.
 *
 * run: ask retval=2 asked=1
 */
#include "bpf_test.h"

struct nf_conn;
struct bpf_ct_opts {
	__s32 netns_id;
	__s32 error;
	__u8 l4proto;
	__u8 dir;
	__u8 reserved[2];
};

extern struct nf_conn *bpf_xdp_ct_lookup(struct xdp_md *ctx, struct bpf_sock_tuple *tuple, void *tuple_size,
					 struct bpf_ct_opts *opts, __u32 opts_size) __ksym;
extern void bpf_ct_release(struct nf_conn *ct) __ksym;

__u64 asked;

SEC("xdp")
int ask(struct xdp_md *ctx)
{
	struct bpf_ct_opts opts = {.netns_id = -1, .l4proto = 17};
	struct bpf_sock_tuple tuple = {};
	struct nf_conn *ct;

	asked = 1;
	ct = bpf_xdp_ct_lookup(ctx, &tuple, (void *)sizeof(tuple.ipv4), &opts, sizeof(opts));
	if (ct)
		bpf_ct_release(ct);
	return XDP_PASS;
}

LICENSE("GPL");
