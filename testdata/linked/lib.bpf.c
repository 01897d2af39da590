/* Defaults that another unit overrides: the first of two files to link (bpftool gen object). */
#include "bpf_test.h"

const volatile int limit __weak = 1;
int level __weak = 2;
int hits __weak;
int seen;
int after_level = 40;
const volatile int after_limit = 50;
int after_hits;

SEC("syscall")
int run(void *ctx)
{
	seen = limit * 100 + level * 10 + hits;
	hits++;
	return 0;
}

LICENSE("GPL");
