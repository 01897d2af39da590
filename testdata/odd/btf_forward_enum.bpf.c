/* An enum that is only declared, which has no size in BTF.
 *
 * run: look retval=0 called=1
 */
#include "bpf_test.h"

enum state;

struct machine {
	enum state *states;
	int count;
};

struct machine *machine;
int called;

SEC("tc")
int look(struct __sk_buff *skb)
{
	called = 1;
	return machine != NULL;
}

LICENSE("GPL");
