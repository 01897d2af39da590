/* SPDX-License-Identifier: MIT
 *
 * Typedefs that -type may name, types that are only used in code, and 64-bit enums.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct pair {
	__u32 a, b;
};
typedef struct pair pair_t;
typedef pair_t pair_again_t;

/* A different struct from the one behind the typedef of this name. */
struct point {
	__u64 x;
};
typedef struct pair point;

typedef struct {
	__u16 n;
} small_t;
typedef small_t small_again_t;

typedef struct named {
	__u8 c;
} named;

enum huge { HUGE_TOP = 0x8000000000000000ULL, HUGE_ALL = 0xFFFFFFFFFFFFFFFFULL };
enum low { LOW_MIN = -1LL, LOW_MAX = 0x100000000LL };

pair_t *unused_pair;
pair_again_t *unused_pair_again;
struct point *unused_point;
point *unused_point_typedef;
small_again_t *unused_small;
named *unused_named;
enum huge h = HUGE_TOP;
enum low l = LOW_MAX;

/* Only used in code: no variable has this type. */
struct event {
	__u64 at;
	__u32 pid;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

static __attribute__((noinline)) int send(struct event *e)
{
	return bpf_ringbuf_output(&events, e, sizeof(*e), 0);
}

SEC("tc")
int on_packet(struct __sk_buff *skb)
{
	struct event e = {.at = skb->len};

	return send(&e);
}

char _license[] SEC("license") = "GPL";
