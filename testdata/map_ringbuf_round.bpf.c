/* Ring buffers whose sizes are not a power of two of pages, or less than a page: libbpf rounds them
 * up to a size that is valid for the machine's page size.
 *
 * run: emit retval=0 sent=2
 */
#include "bpf_test.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1000);
} tiny SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 3 * 4096);
} odd SEC(".maps");

__u64 sent;

SEC("syscall")
int emit(void *ctx)
{
	__u64 v = 1;

	sent += bpf_ringbuf_output(&tiny, &v, sizeof(v), 0) == 0;
	sent += bpf_ringbuf_output(&odd, &v, sizeof(v), 0) == 0;
	return 0;
}

LICENSE("GPL");
