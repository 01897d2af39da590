/* A switch for which clang generates a jump table, since version 22 with -mcpu=v4. */
#include "bpf_test.h"

volatile int first, second;

#define CASE(n, variable, value)                \
	case n:                                 \
		variable = value;               \
		first += skb->mark;             \
		return 2 * value

SEC("tc")
int choose(struct __sk_buff *skb)
{
	switch (skb->len) {
		CASE(60, first, 3);
		CASE(61, second, 1);
		CASE(62, first, 4);
		CASE(63, second, 2);
		CASE(64, first, 5);
		CASE(65, second, 9);
		CASE(66, first, 2);
		CASE(67, second, 6);
		CASE(68, first, 8);
		CASE(69, second, 7);
		CASE(70, first, 10);
		CASE(71, second, 11);
		CASE(72, first, 12);
		CASE(73, second, 13);
		CASE(74, first, 14);
	}
	return 0;
}

LICENSE("GPL");
