/* CO-RE relocations of types: existence, size, ID in this object and in the kernel; and of
 * enumerators: existence and value.
 *
 * run: types retval=0 task_exists=1 nothing_exists=0 sock_size_ok=1 local_id_ok=1 kernel_id_ok=1
 * run: enums retval=0 hash_exists=1 fantasy_exists=0 hash_value=1 typedef_exists=1
 */
#include "bpf_test.h"
#include "kernel.h"
#include <bpf/bpf_core_read.h>

struct bpf2lskel_no_such_struct {
	int x;
} __attribute__((preserve_access_index));

/* Named as in the kernel, with flavors because the header has them, too. */
enum bpf_map_type___here {
	BPF_MAP_TYPE_HASH___here = 77,
	BPF_MAP_TYPE_FANTASY___here = 78,
};

typedef struct {
	int counter;
} atomic_t___here;

__u64 task_exists, nothing_exists, sock_size_ok, local_id_ok, kernel_id_ok;
__u64 hash_exists, fantasy_exists, hash_value, typedef_exists;

SEC("syscall")
int types(void *ctx)
{
	task_exists = bpf_core_type_exists(struct task_struct);
	nothing_exists = bpf_core_type_exists(struct bpf2lskel_no_such_struct);
	sock_size_ok = bpf_core_type_size(struct sock) > sizeof(struct sock);
	local_id_ok = bpf_core_type_id_local(struct task_struct) > 0;
	if (bpf_core_type_exists(struct cgroup))
		kernel_id_ok = bpf_core_type_id_kernel(struct cgroup) > 0;
	return 0;
}

SEC("syscall")
int enums(void *ctx)
{
	hash_exists = bpf_core_enum_value_exists(enum bpf_map_type___here, BPF_MAP_TYPE_HASH___here);
	fantasy_exists = bpf_core_enum_value_exists(enum bpf_map_type___here, BPF_MAP_TYPE_FANTASY___here);
	if (hash_exists)
		hash_value = bpf_core_enum_value(enum bpf_map_type___here, BPF_MAP_TYPE_HASH___here);
	typedef_exists = bpf_core_type_exists(atomic_t___here);
	return 0;
}

LICENSE("GPL");
