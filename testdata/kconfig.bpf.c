/* Configuration variables of each type that libbpf supports: strong, weak and missing ones, and a
 * string longer than its array.
 *
 * run: look retval=0 letter=121 syscall=1 missing=0 unknown=0 modern=1 hz_is_set=1 shift_is_set=1 first_letter_is_set=1 cut=0
 */
#include "bpf_test.h"

extern int LINUX_KERNEL_VERSION __kconfig;
extern const _Bool LINUX_HAS_BPF_COOKIE __kconfig;
extern int LINUX_HAS_SYSCALL_WRAPPER __kconfig __weak;
extern long LINUX_WILL_BE_KNOWN __kconfig __weak;
extern enum libbpf_tristate CONFIG_BPF_SYSCALL __kconfig;
extern enum libbpf_tristate CONFIG_TUN __kconfig __weak;
extern _Bool CONFIG_BPF_JIT __kconfig __weak;
extern _Bool CONFIG_BPF2LSKEL_MISSING __kconfig __weak;
extern char CONFIG_BPF __kconfig;
extern unsigned char CONFIG_LOG_BUF_SHIFT __kconfig;
extern short CONFIG_NR_CPUS __kconfig;
extern unsigned int CONFIG_HZ __kconfig;
extern int CONFIG_PANIC_TIMEOUT __kconfig __weak;
extern unsigned long CONFIG_PHYSICAL_START __kconfig __weak;
extern char CONFIG_DEFAULT_HOSTNAME[16] __kconfig;
extern char CONFIG_LSM[8] __kconfig __weak;

#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + (c))

long unknown, syscall, tun, jit, missing, letter, timeout, start;
int modern, cookie, wrapper, shift_is_set, cpus, hz_is_set, first_letter_is_set, cut;

SEC("tc")
int look(struct __sk_buff *skb)
{
	modern = LINUX_KERNEL_VERSION >= KERNEL_VERSION(5, 10, 0);
	cookie = LINUX_HAS_BPF_COOKIE;
	wrapper = LINUX_HAS_SYSCALL_WRAPPER;
	unknown = LINUX_WILL_BE_KNOWN;
	syscall = CONFIG_BPF_SYSCALL;
	tun = CONFIG_TUN;
	jit = CONFIG_BPF_JIT;
	missing = CONFIG_BPF2LSKEL_MISSING;
	letter = CONFIG_BPF;
	shift_is_set = CONFIG_LOG_BUF_SHIFT != 0;
	cpus = CONFIG_NR_CPUS;
	hz_is_set = CONFIG_HZ != 0;
	timeout = CONFIG_PANIC_TIMEOUT;
	start = CONFIG_PHYSICAL_START;
	first_letter_is_set = CONFIG_DEFAULT_HOSTNAME[0] != 0;
	cut = CONFIG_LSM[7];
	return 0;
}

LICENSE("GPL");
