/* Kernel configuration as externs: numbers, tristates, a string, the kernel's version, weak and missing. */
#include "bpf_test.h"

extern int LINUX_KERNEL_VERSION __kconfig;
extern enum libbpf_tristate CONFIG_BPF_SYSCALL __kconfig;
extern unsigned int CONFIG_HZ __kconfig __weak;
extern char CONFIG_DEFAULT_HOSTNAME[16] __kconfig __weak;
extern _Bool CONFIG_BPF2LSKEL_MISSING __kconfig __weak;

__u64 version, syscall, hz, missing, first_letter;

SEC("tc")
int read(struct __sk_buff *skb)
{
	version = LINUX_KERNEL_VERSION;
	syscall = CONFIG_BPF_SYSCALL;
	hz = CONFIG_HZ;
	missing = CONFIG_BPF2LSKEL_MISSING;
	first_letter = CONFIG_DEFAULT_HOSTNAME[0];
	return 0;
}

LICENSE("GPL");
