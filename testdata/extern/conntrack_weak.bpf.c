/* The connection tracker, weak: the program runs with and without the module.
 *
 * run: ask retval=0 asked=1 consistent=1
 */
#include "bpf_test.h"

/* A definition: libbpf compares prototypes, and a declaration is another kind of type. */
struct nf_conn {
	unsigned long status;
} __attribute__((preserve_access_index));

struct bpf_ct_opts {
	__s32 netns_id;
	__s32 error;
	__u8 l4proto;
	__u8 dir;
	__u8 reserved[2];
};

extern struct nf_conn *bpf_skb_ct_lookup(struct __sk_buff *ctx, struct bpf_sock_tuple *tuple, __u32 tuple_size,
					 struct bpf_ct_opts *opts, __u32 opts_size) __ksym __weak;
extern void bpf_ct_release(struct nf_conn *ct) __ksym __weak;

__u64 asked, has_module, consistent;

SEC("tc")
int ask(struct __sk_buff *skb)
{
	struct bpf_ct_opts opts = {.netns_id = -1, .l4proto = 17};
	struct bpf_sock_tuple tuple = {};
	struct nf_conn *ct;

	asked++;
	has_module = bpf_skb_ct_lookup != NULL;
	consistent = has_module == (bpf_ct_release != NULL);
	if (bpf_skb_ct_lookup && bpf_ct_release) {
		ct = bpf_skb_ct_lookup(skb, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts));
		if (ct)
			bpf_ct_release(ct);
	}
	return 0;
}

LICENSE("GPL");
