/* A map value with a timer and one with a spin lock. The timer's callback is a function pointer and
 * is shared by two programs.
 *
 * run: start retval=0 started=0
 * run: lock retval=0 locked=1
 */
#include "bpf_test.h"

#define CLOCK_MONOTONIC 1

struct timed {
	__u64 count;
	struct bpf_timer timer;
};

struct locked_value {
	struct bpf_spin_lock lock;
	__u32 count;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct timed);
	__uint(max_entries, 1);
} timers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, struct locked_value);
	__uint(max_entries, 8);
} locks SEC(".maps");

__u64 started = 99, locked;

static int fire(void *map, int *key, struct timed *value)
{
	value->count++;
	return 0;
}

static __noinline int arm(void)
{
	__u32 key = 0;
	struct timed *t = bpf_map_lookup_elem(&timers, &key);
	int err;

	if (!t)
		return 1;
	err = bpf_timer_init(&t->timer, &timers, CLOCK_MONOTONIC);
	if (!err)
		err = bpf_timer_set_callback(&t->timer, fire);
	return err;
}

SEC("tc")
int start(struct __sk_buff *skb)
{
	started = arm();
	return 0;
}

SEC("tc")
int start_too(struct __sk_buff *skb)
{
	arm();
	return 0;
}

SEC("tc")
int lock(struct __sk_buff *skb)
{
	struct locked_value init = {.count = 0}, *v;
	__u32 key = 1;

	bpf_map_update_elem(&locks, &key, &init, BPF_ANY);
	v = bpf_map_lookup_elem(&locks, &key);
	if (!v)
		return 1;
	bpf_spin_lock(&v->lock);
	v->count++;
	bpf_spin_unlock(&v->lock);
	locked = v->count;
	return 0;
}

LICENSE("GPL");
