/* 300 distinct kfuncs of two modules over several programs, some of which share them.
 *
 * run: low retval=0 x=4950
 * run: middle retval=0 x=19900
 * run: high retval=0 x=44850
 * run: mixed retval=0 x=45149
 */
#include "bpf_test.h"
#include "many_kfuncs.h"

KFUNC_100(DECLARE_KFUNC)
KFUNC_FIFTY(DECLARE_KFUNC, 1)
KFUNC_OTHER_FIFTY(DECLARE_KFUNC, 1)
KFUNC_FIFTY(DECLARE_KFUNC, 2)
KFUNC_OTHER_FIFTY(DECLARE_KFUNC, 2)

__u64 x;

SEC("tc")
int low(struct __sk_buff *skb)
{
	KFUNC_100(CALL_KFUNC)
	return 0;
}

SEC("tc")
int middle(struct __sk_buff *skb)
{
	KFUNC_FIFTY(CALL_KFUNC, 1)
	KFUNC_OTHER_FIFTY(CALL_KFUNC, 1)
	return 0;
}

SEC("tc")
int high(struct __sk_buff *skb)
{
	KFUNC_FIFTY(CALL_KFUNC, 2)
	KFUNC_OTHER_FIFTY(CALL_KFUNC, 2)
	return 0;
}

SEC("tc")
int mixed(struct __sk_buff *skb)
{
	CALL_KFUNC(0)
	CALL_KFUNC(299)
	return 0;
}

LICENSE("GPL");
