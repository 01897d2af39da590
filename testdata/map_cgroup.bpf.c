/* Maps for cgroups: cgroup storage, also per CPU, with max_entries zero, and a cgroup array.
 *
 * run: count retval=1
 */
#include "bpf_test.h"

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} shared SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE);
	__type(key, __u64);
	__type(value, __u64);
} per_cpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
	__uint(max_entries, 2);
} groups SEC(".maps");

SEC("cgroup_skb/egress")
int count(struct __sk_buff *skb)
{
	__u64 *p = bpf_get_local_storage(&shared, 0);

	__sync_fetch_and_add(p, 1);
	return 1;
}

SEC("cgroup_skb/ingress")
int count_per_cpu(struct __sk_buff *skb)
{
	__u64 *p = bpf_get_local_storage(&per_cpu, 0);

	*p += 1;
	return 1;
}

SEC("tc")
int in_group(struct __sk_buff *skb)
{
	return bpf_skb_under_cgroup(skb, &groups, 0) == 1;
}

LICENSE("GPL");
