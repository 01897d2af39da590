/* Strong kfuncs of the connection tracker, a module in Debian's kernels, for XDP and tc. No flow
 * has port 0, so the result is "none", with an error number in the options.
 *
 * run: ask_xdp retval=2 asked=1 errno=2
 * run: ask_tc retval=0 asked=2 errno=2
 */
#include "bpf_test.h"

/* A definition: libbpf compares prototypes, and a declaration is another kind of type. */
struct nf_conn {
	unsigned long status;
} __attribute__((preserve_access_index));

/* The kernel's first struct bpf_ct_opts. It has grown; the old size is still accepted. */
struct bpf_ct_opts {
	__s32 netns_id;
	__s32 error;
	__u8 l4proto;
	__u8 dir;
	__u8 reserved[2];
};

extern struct nf_conn *bpf_xdp_ct_lookup(struct xdp_md *ctx, struct bpf_sock_tuple *tuple, __u32 tuple_size,
					 struct bpf_ct_opts *opts, __u32 opts_size) __ksym;
extern struct nf_conn *bpf_skb_ct_lookup(struct __sk_buff *ctx, struct bpf_sock_tuple *tuple, __u32 tuple_size,
					 struct bpf_ct_opts *opts, __u32 opts_size) __ksym;
extern void bpf_ct_release(struct nf_conn *ct) __ksym;

__u64 asked, errno;

SEC("xdp")
int ask_xdp(struct xdp_md *ctx)
{
	struct bpf_ct_opts opts = {.netns_id = -1, .l4proto = 17};
	struct bpf_sock_tuple tuple = {};
	struct nf_conn *ct;

	asked++;
	ct = bpf_xdp_ct_lookup(ctx, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts));
	if (ct) {
		bpf_ct_release(ct);
		return XDP_DROP;
	}
	errno = -opts.error;
	return XDP_PASS;
}

SEC("tc")
int ask_tc(struct __sk_buff *skb)
{
	struct bpf_ct_opts opts = {.netns_id = -1, .l4proto = 17};
	struct bpf_sock_tuple tuple = {};
	struct nf_conn *ct;

	asked++;
	ct = bpf_skb_ct_lookup(skb, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts));
	if (ct) {
		bpf_ct_release(ct);
		return 1;
	}
	errno = -opts.error;
	return 0;
}

LICENSE("GPL");
