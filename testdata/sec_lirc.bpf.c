/* The section of infrared receivers, which kernels without CONFIG_BPF_LIRC_MODE2 refuse. */
#include "bpf_test.h"

SEC("lirc_mode2")
int decode(unsigned int *sample)
{
	return *sample ? 1 : 0;
}

LICENSE("Dual MIT/GPL");
