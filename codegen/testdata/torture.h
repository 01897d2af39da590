/* SPDX-License-Identifier: MIT
 *
 * C types that are awkward in Go, with one variable of each. torture_fields.h lists what is compared.
 */
#pragma once

#define __packed __attribute__((packed))
#define __aligned(n) __attribute__((aligned(n)))

typedef unsigned __int128 u128_t;
typedef __int128 s128_t;

/* 1: all integers */
struct ints {
	char c;
	signed char sc;
	unsigned char uc;
	short s;
	unsigned short us;
	int i;
	unsigned int u;
	long l;
	unsigned long ul;
	long long ll;
	unsigned long long ull;
	_Bool b;
} v_ints;

/* 2: holes */
struct holes {
	__u8 a;
	__u64 b;
	__u8 c;
	__u16 d;
	__u8 e;
} v_holes;

/* 3, 4: nothing aligned */
struct packed_all {
	__u8 a;
	__u64 b;
	__u16 c;
	__u32 d;
} __packed v_packed_all;

struct packed_tail {
	__u64 a;
	__u8 b;
} __packed v_packed_tail;

/* 5: less aligned than its members */
struct packed_4 {
	__u64 a;
	__u32 b;
} __packed __aligned(4) v_packed_4;

/* 6, 7: more aligned than its members */
struct aligned_64 {
	__u32 a;
	__u32 b __aligned(32);
} __aligned(64) v_aligned_64;

struct aligned_inside {
	__u8 a;
	struct aligned_64 in;
	__u8 b;
} v_aligned_inside;

/* 8: an unaligned struct */
struct packed_outer {
	__u8 a;
	struct holes in;
	struct packed_4 list[2];
} __packed v_packed_outer;

/* 9: an unaligned array */
struct packed_array {
	__u8 a;
	__u32 list[3];
	__u8 b;
} __packed v_packed_array;

/* 10: aligned members of a packed struct */
struct packed_mixed {
	__u8 a;
	__u32 b __aligned(4);
	__u16 c;
	__u64 d;
} __packed v_packed_mixed;

/* 11, 12: anonymous structs */
struct nested {
	struct {
		__u16 x;
		__u32 y;
	} pos, *next;
	struct {
		struct {
			__u8 deep;
		} mid;
	} top;
} v_nested;

struct anonymous {
	__u8 a;
	struct {
		__u32 b;
		struct {
			__u16 c;
			__u64 d;
		};
	};
	__u8 e;
} v_anonymous;

/* 13 to 18: unions */
union number {
	__u8 bytes[8];
	__u32 words[2];
	__u64 whole;
	double real;
} v_number;

struct has_union {
	__u32 tag;
	union number n;
	union number list[2];
} v_has_union;

struct anonymous_union {
	__u8 family;
	union {
		__u32 v4;
		__u8 v6[16];
		struct {
			__u64 high, low;
		};
	};
	__u16 port;
} v_anonymous_union;

struct packed_union {
	__u8 family;
	union {
		__u32 v4;
		__u8 v6[16];
	};
	union number n;
} __packed v_packed_union;

union of_structs {
	struct holes holes;
	struct {
		__u32 a, b;
	} pair;
	struct {
		union {
			__u16 x;
			__u8 y;
		};
		__u32 z;
	};
} v_of_structs;

union odd {
	__u8 bytes[5];
	__u32 word;
} __packed v_odd;

/* 19 to 28: bit-fields */
struct bits {
	__u32 a : 1;
	__u32 b : 3;
	__u32 c : 12;
	__u32 d : 16;
	__u32 e : 31;
} v_bits;

struct bits_signed {
	int a : 1;
	int b : 5;
	int c : 26;
	long long d : 63;
} v_bits_signed;

struct bits_wide {
	__u64 a : 40;
	__u64 b : 24;
	__u64 c : 64;
	__u64 d : 33;
} v_bits_wide;

struct bits_gaps {
	__u32 a : 3;
	__u32 : 4;
	__u32 b : 2;
	__u32 : 0;
	__u32 c : 7;
	__u8 d;
} v_bits_gaps;

struct bits_packed {
	__u8 a : 5;
	__u32 b : 30;
	__u64 c : 61;
	__u16 d : 11;
} __packed v_bits_packed;

struct bits_kinds {
	_Bool a : 1;
	unsigned char b : 7;
	enum bit_mode { BIT_OFF, BIT_ON, BIT_AUTO } c : 2;
	short d : 9;
	volatile __u16 e : 4;
} v_bits_kinds;

struct bits_between {
	__u8 a;
	__u32 b : 4, c : 9;
	__u8 d;
	__u64 e;
} v_bits_between;

union bits_union {
	struct {
		__u8 low : 4, high : 4;
	};
	__u8 both;
	__u16 wide : 13;
} v_bits_union;

struct bits_128 {
	__u8 a : 3;
	u128_t b : 100;
	s128_t c : 90;
	u128_t d : 26;
	s128_t e : 64;
	s128_t f : 17;
} v_bits_128;

struct bits_one {
	__u8 only : 1;
} v_bits_one;

/* 29 to 31: 128 bits */
struct wide {
	u128_t u;
	s128_t s;
	u128_t list[2];
} v_wide;

struct wide_packed {
	__u8 a;
	u128_t u;
} __packed v_wide_packed;

struct wide_hole {
	__u8 a;
	s128_t s;
} v_wide_hole;

/* 32 to 34: pointers */
struct pointers {
	void *v;
	const char *text;
	struct not_defined *opaque;
	int (*call)(struct pointers *, __u64);
	struct pointers **self;
	void *list[3];
	int (*matrix)[4];
} v_pointers;

struct list_node {
	struct list_node *next, *prev;
	__u32 value;
} v_list_node;

struct packed_pointer {
	__u8 a;
	void *p;
} __packed v_packed_pointer;

/* 35 to 38: arrays */
struct arrays {
	char text[16];
	unsigned char raw[3];
	signed char small[2];
	_Bool flags[3];
	__u32 one[1];
	__u16 grid[2][3];
	struct holes holes[2];
	struct {
		__u8 x, y;
	} points[3];
} v_arrays;

struct flexible {
	__u32 count;
	__u16 kind;
	__u16 items[];
} v_flexible;

struct empty_array {
	__u32 a;
	__u64 none[0];
	__u32 b;
} v_empty_array;

struct empty_struct {
	__u8 a;
	struct {
	} nothing;
	struct nothing_either {
	} list[2];
} v_empty_struct;

/* 39 to 45: enums */
enum color { RED, GREEN = 5, LIME = 5, BLUE };
enum sign { NEGATIVE = -3, ZERO = 0, POSITIVE = 3 };
enum large { SMALLEST = 1, LARGEST = 0x8000000000000001ULL };
enum deep { LOWEST = -0x7000000000000000LL, HIGHEST = 1 };
enum tiny { TINY_A, TINY_B = 200 } __packed;
enum tiny_signed { TINY_C = -1, TINY_D = 100 } __packed;
typedef enum { KIND_A = 1, KIND_B } kind_t;

struct enums {
	enum color color;
	enum sign sign;
	enum large large;
	enum deep deep;
	enum tiny tiny;
	enum tiny_signed tiny_signed;
	kind_t kind;
	enum { INNER_A, INNER_B } inner;
	enum color list[2];
} v_enums;

enum color v_color;
kind_t v_kind;
enum { ALONE_A = 7 } v_alone;

struct packed_enum {
	__u8 a;
	enum color color;
} __packed v_packed_enum;

/* 46 to 49: typedefs */
typedef struct {
	__u32 a;
} only_typedef;
typedef only_typedef again_t;
typedef __u32 quad_t[4];
typedef union {
	__u32 a;
	__u16 b;
} union_t;
typedef struct tagged_t {
	__u8 a;
} tagged_t;
typedef const volatile int cv_int;

struct typedefs {
	only_typedef a;
	again_t b;
	quad_t c;
	union_t d;
	tagged_t e;
	struct tagged_t f;
	cv_int g;
} v_typedefs;

only_typedef v_only_typedef;
quad_t v_quad;
union_t v_union;

/* 50 to 57: names */
struct keywords {
	__u32 type, func, range, map, chan, var, select, interface, defer, go;
} v_keywords;

struct cases {
	__u8 foo, Foo, FOO, _foo, __foo, foo_, f_oo, fOo;
} v_cases;

struct underscores {
	__u8 _, __, _1, a__b, A_B, a_1_b;
} v_underscores;

struct setters {
	__u8 set_x;
	__u32 x : 4;
	__u32 set_y : 4;
	__u32 y : 4;
	union {
		__u8 raw12;
		__u8 string;
	};
	__u8 host_layout;
} v_setters;

struct a_very_long_name_indeed_as_people_make_them_when_a_machine_writes_their_c_for_them_and_nobody_looks_at_it_ever_again_ok {
	__u32 another_very_long_name_indeed_as_people_make_them_when_a_machine_writes_their_c_for_them_and_nobody_looks_at_it_again;
} v_long;

/* Names that the package itself uses, or that are the same in Go. */
struct skeleton {
	__u8 a;
} v_skeleton;
struct maps {
	__u16 a;
} v_maps;
struct bss_section {
	__u32 a;
} v_bss_section;
struct same_name {
	__u8 a;
} v_same_name;
struct SameName {
	__u16 a;
} v_SameName;
typedef struct {
	__u32 a;
} sameName;
sameName v_sameName;

/* 58 to 60: size and depth */
struct big {
	__u8 a;
	char page[4000];
	__u64 b;
} v_big;

struct tower {
	struct {
		struct {
			struct {
				struct {
					struct {
						union {
							struct {
								__u16 pad;
								__u32 top;
							};
						} e;
					} d;
				} c;
			} b;
		} a;
	};
} v_tower;

struct floats {
	float f;
	double d;
} v_floats;

/* 61 to 64: miscellaneous */
struct one_byte {
	__u8 a;
} v_one_byte;

struct qualified {
	const __u32 a;
	volatile __u64 b;
	const volatile struct holes c;
	int *restrict d;
} v_qualified;

struct end_union {
	__u64 a;
	union {
		__u8 b;
		__u16 c;
	};
} v_end_union;

struct shared_tail {
	struct packed_tail list[3];
	__u64 a;
} v_shared_tail;

struct prefix {
	__u32 length;
	__u8 address[4];
} v_prefix;

/* Members as wide as their struct, but less aligned. */
struct half_aligned {
	__u16 a;
	__u64 b __attribute__((packed));
	__u16 c;
	union {
		__u64 d;
		__u8 e;
	} u __attribute__((packed));
	__u32 f;
} v_half_aligned;

struct three_bytes {
	__u8 rgb[3];
} v_palette[5];
