/* SPDX-License-Identifier: MIT
 *
 * The types of torture.h, with their layout according to clang, and a program for each direction:
 * fill writes a value into each member for Go to read, check compares the values that Go wrote.
 *
 * The value of member n is a pattern that both sides compute.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "torture.h"

#pragma clang diagnostic ignored "-Wunknown-warning-option"
#pragma clang diagnostic ignored "-Wdefault-const-init-field-unsafe"
#pragma clang diagnostic ignored "-Wbitfield-constant-conversion"

/* The layout of all members, in the order of torture_fields.h. */
struct layout {
	__u32 offset;
	__u32 size;
};

#define T(v) {0, sizeof(v)},
#define O(v, path) {__builtin_offsetof(__typeof__(v), path), sizeof(v.path)},
#define F(v, path) O(v, path)
#define P(v, path) O(v, path)
#define W(v, path) O(v, path)
#define B(v, path) {0, 0},
#define X(v, path) {0, 0},
const struct layout layout[] = {
#include "torture_fields.h"
};
#undef F
#undef P
#undef W
#undef B
#undef X
#undef T
#undef O
#define T(v)
#define O(v, path)

#define PATTERN(n) (0x9E3779B97F4A7C15ULL * ((n) + 1))
#define PATTERN_128(n) ((u128_t)PATTERN(n) << 64 | PATTERN((n) + 1))

enum { FILL_BASE = __COUNTER__ + 1 };
#define N (__COUNTER__ - FILL_BASE)

SEC("syscall")
int fill(void *ctx)
{
#define F(v, path) v.path = (__typeof__(v.path))PATTERN(N);
#define P(v, path) v.path = (void *)PATTERN(N);
#define W(v, path) v.path = (__typeof__(v.path))PATTERN_128(N);
#define B(v, path) v.path = PATTERN(N);
#define X(v, path) v.path = PATTERN_128(N);
#include "torture_fields.h"
#undef F
#undef P
#undef W
#undef B
#undef X
	return 0;
}

/* The number of members whose value is not what Go should have written, and the last of them. */
__u32 wrong;
__u32 last_wrong;

enum { CHECK_BASE = __COUNTER__ + 1 };
#undef N
#define N (__COUNTER__ - CHECK_BASE)

SEC("syscall")
int check(void *ctx)
{
	/* Go writes a different pattern than fill. */
#define EXPECT(v, path, value)                 \
	{                                      \
		enum { n = N };                \
		__typeof__(v) *p = &v, want;   \
		want.path = value;             \
		if (p->path != want.path) {    \
			wrong++;               \
			last_wrong = n;        \
		}                              \
	}
#define F(v, path) EXPECT(v, path, (__typeof__(v.path))PATTERN(n + 1000))
#define P(v, path) EXPECT(v, path, (void *)PATTERN(n + 1000))
#define W(v, path) EXPECT(v, path, (__typeof__(v.path))PATTERN_128(n + 1000))
#define B(v, path) EXPECT(v, path, PATTERN(n + 1000))
#define X(v, path) EXPECT(v, path, PATTERN_128(n + 1000))
#include "torture_fields.h"
	return 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
