/* A USDT program for an argument in memory addressed by two registers. libbpf's usdt.bpf.h supports
 * this since 1.7 with other structs, which are copied here while Debian's header is older.
 */
#include "kinds.h"

#define ARGUMENTS 12

struct argument {
	__u64 offset;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	enum { CONSTANT, REGISTER, MEMORY, INDEXED } kind : 8;
	__u16 index : 12;
	__u16 scale : 4;
	__u8 unused : 8;
#else
	__u8 unused : 8;
	__u16 index : 12;
	__u16 scale : 4;
	enum { CONSTANT, REGISTER, MEMORY, INDEXED } kind : 8;
#endif
	short base;
	_Bool is_signed;
	char shift;
};

struct description {
	struct argument arguments[ARGUMENTS];
	__u64 cookie;
	short count;
};

MAP(BPF_MAP_TYPE_ARRAY, __bpf_usdt_specs, int, struct description, 4);

__u64 hits, cookie;
__s64 value;
int count;

SEC("usdt")
int on_probe(void *ctx)
{
	int key = bpf_get_attach_cookie(ctx);
	struct description *d = bpf_map_lookup_elem(&__bpf_usdt_specs, &key);
	__u64 base, index;

	if (!d)
		return 0;
	struct argument *a = &d->arguments[0];
	count = d->count;
	cookie = d->cookie;
	if (a->kind != INDEXED)
		return 0;
	if (bpf_probe_read_kernel(&base, sizeof(base), ctx + a->base) || bpf_probe_read_kernel(&index, sizeof(index), ctx + a->index))
		return 0;
	if (bpf_probe_read_user(&value, sizeof(value), (void *)(base + (index << a->scale) + a->offset)))
		return 0;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	value = (__u64)value >> a->shift;
#endif
	value <<= a->shift;
	value = a->is_signed ? value >> a->shift : (__u64)value >> a->shift;
	__sync_fetch_and_add(&hits, 1);
	return 0;
}
