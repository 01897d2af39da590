/* Security hooks: lsm and its sleepable form; the target is the function bpf_lsm_NAME in vmlinux BTF. Kernels
 * without BPF LSM refuse the object.
 */
#include "bpf_test.h"
#include "kernel.h"

__u64 opened;

SEC("lsm/file_open")
int on_open(__u64 *ctx)
{
	struct file *file = (void *)ctx[0];

	opened += file->f_flags != 0;
	return 0;
}

SEC("lsm.s/bprm_committed_creds")
int on_exec(__u64 *ctx)
{
	return 0;
}

LICENSE("GPL");
