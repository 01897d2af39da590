/* A global variable of an arena whose initial value is another one's address.
 *
 * accepts: pointers in the initial values of an arena's variables
 * as: the bytes in the file, with a warning
 */
#include "bpf_test.h"

struct {
	__uint(type, 33);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
} arena SEC(".maps");

__u32 SEC(".addr_space.1") target = 5;
__u32 *SEC(".addr_space.1") pointer = &target;

SEC("syscall")
int read(void *ctx)
{
	return &pointer != NULL;
}

LICENSE("GPL");
