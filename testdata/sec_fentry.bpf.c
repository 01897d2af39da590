/* Trampoline programs: fentry, fexit, fmod_ret, and their sleepable forms; the attach target is a function
 * in vmlinux BTF. Kernels without these trampolines refuse the object.
 */
#include "bpf_test.h"
#include "kernel.h"

__u64 entered, left;

SEC("fentry/do_unlinkat")
int enter(__u64 *ctx)
{
	entered++;
	return 0;
}

SEC("fexit/do_unlinkat")
int leave(__u64 *ctx)
{
	left++;
	return 0;
}

SEC("fentry.s/__x64_sys_nanosleep")
int enter_sleepable(__u64 *ctx)
{
	return 0;
}

SEC("fexit.s/__x64_sys_nanosleep")
int leave_sleepable(__u64 *ctx)
{
	return 0;
}

SEC("fmod_ret/security_file_open")
int change(__u64 *ctx)
{
	return 0;
}

SEC("fmod_ret.s/security_file_open")
int change_sleepable(__u64 *ctx)
{
	return 0;
}

LICENSE("GPL");
