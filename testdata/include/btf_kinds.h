/* Shared by btf_kinds.bpf.c and btf_kinds_clang22.bpf.c. */
#pragma once

#include "bpf_test.h"

#define __decl_tag(name) __attribute__((btf_decl_tag(name)))
#define __type_tag(name) __attribute__((btf_type_tag(name)))

struct opaque;

enum small { SMALL_A = 1, SMALL_B = -5 };
enum big { BIG_A = 1ULL << 40, BIG_B = 1 };

typedef __u32 word_t;
typedef word_t word2_t __decl_tag("typedef_tag");

union either {
	float single;
	double twice;
	__u64 bits;
};

struct kinds {
	double d;
	float f;
	enum small s;
	enum big b;
	union either u;
	struct opaque *o;
	const volatile char *restrict text;
	int (*call)(struct kinds *, int);
	unsigned low : 3;
	unsigned high : 5;
	long long wide : 40;
	int grid[2][3][4];
	word2_t word __decl_tag("member_tag");
	int __type_tag("user_tag") *tagged;
	struct {
		__u8 inner;
		union {
			__u16 x;
			__s16 y;
		};
	};
	_Bool flag;
	char flexible[];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, struct kinds);
	__uint(max_entries, 1);
} by_kind SEC(".maps");

struct kinds *nowhere;
enum big how_big = BIG_A;
__u64 got __decl_tag("variable_tag");

__noinline int tagged(int x __decl_tag("argument_tag")) __decl_tag("function_tag");

__noinline int tagged(int x)
{
	asm volatile("" : "+r"(x));
	return x + 1;
}

SEC("tc")
int use(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct kinds *k = bpf_map_lookup_elem(&by_kind, &key);

	if (k)
		return k->low + k->grid[1][2][3];
	got = tagged(0) + (how_big == BIG_B) + (nowhere != NULL);
	return 0;
}

LICENSE("Dual MIT/GPL");
