/* Weak symbols that no kernel has, of each kind: all read as zero, and the program loads.
 *
 * run: probe retval=0 func_missing=1 typed_missing=1 typeless_missing=1
 */
#include "bpf_test.h"

extern int bpf2lskel_no_such_func(int x) __ksym __weak;
extern const int bpf2lskel_no_such_var __ksym __weak;
extern const void bpf2lskel_no_such_symbol __ksym __weak;

__u64 func_missing, typed_missing, typeless_missing;

SEC("tc")
int probe(struct __sk_buff *skb)
{
	func_missing = bpf2lskel_no_such_func == NULL;
	typed_missing = &bpf2lskel_no_such_var == NULL;
	typeless_missing = &bpf2lskel_no_such_symbol == NULL;
	return 0;
}

LICENSE("GPL");
