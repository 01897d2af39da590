/* Global variables in a section with a lock, which user space cannot map. */
#include "kinds.h"

struct guarded {
	struct bpf_spin_lock lock;
	int value;
	__u64 changes;
};

SEC(".data.guarded") __attribute__((visibility("hidden"))) struct guarded guarded = { .value = 7 };

int plain = 1;

SEC("tc")
int change(struct __sk_buff *skb)
{
	int value;

	bpf_spin_lock(&guarded.lock);
	value = guarded.value;
	guarded.value = 9;
	guarded.changes++;
	bpf_spin_unlock(&guarded.lock);
	return value + plain;
}
