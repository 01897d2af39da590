/* Global variables that the kernel manages, in separate sections and hidden, as libbpf requires: a
 * lock, and one in an array. User space cannot map these sections. Others are ordinary.
 *
 * run: lock_it retval=0 sum=7 seen=1
 */
#include "bpf_test.h"

#define private(name) SEC(".data." #name) __attribute__((visibility("hidden"), aligned(8)))

private(A) struct bpf_spin_lock lock;
private(A) int guarded = 7;

struct counter {
	struct bpf_spin_lock lock;
	int value;
};
private(B) struct counter counters[1];

int sum;
int seen SEC(".data.C");

SEC("tc")
int lock_it(struct __sk_buff *skb)
{
	bpf_spin_lock(&lock);
	sum += guarded;
	bpf_spin_unlock(&lock);
	bpf_spin_lock(&counters[0].lock);
	counters[0].value++;
	bpf_spin_unlock(&counters[0].lock);
	seen = 1;
	return 0;
}

LICENSE("GPL");
