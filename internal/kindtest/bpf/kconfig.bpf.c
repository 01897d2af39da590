/* The kernel's configuration, and a program that reads it. */
#include "kinds.h"

extern int LINUX_KERNEL_VERSION __kconfig;
extern const _Bool LINUX_HAS_BPF_COOKIE __kconfig;
extern _Bool CONFIG_BPF_SYSCALL __kconfig;
extern unsigned int CONFIG_HZ __kconfig;
extern enum libbpf_tristate CONFIG_BPF2LSKEL_STATE __kconfig __weak;
extern short CONFIG_BPF2LSKEL_SHORT __kconfig __weak;
extern char CONFIG_BPF2LSKEL_TEXT[8] __kconfig __weak;

int version, cookie, syscall, hz, state, number;
char text[8];

SEC("raw_tp")
int look(void *ctx)
{
	version = LINUX_KERNEL_VERSION;
	cookie = LINUX_HAS_BPF_COOKIE;
	syscall = CONFIG_BPF_SYSCALL;
	hz = CONFIG_HZ;
	state = CONFIG_BPF2LSKEL_STATE;
	number = CONFIG_BPF2LSKEL_SHORT;
	for (int i = 0; i < 8; i++)
		text[i] = CONFIG_BPF2LSKEL_TEXT[i];
	return 0;
}
