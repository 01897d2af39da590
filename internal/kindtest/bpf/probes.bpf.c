/* Programs at functions of the kernel and of programs that use a breakpoint. */
#include "kinds.h"
#include <bpf/bpf_core_read.h>

const volatile __u32 pid = 0;

__u64 entered, left, multi, user, cookie;

static void note(void *ctx, __u64 *counter)
{
	if (bpf_get_current_pid_tgid() >> 32 != pid)
		return;
	__sync_fetch_and_add(counter, 1);
	/* since Linux 5.15 */
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_attach_cookie))
		cookie = bpf_get_attach_cookie(ctx);
}

SEC("kprobe/security_task_getpgid")
int on_entry(void *ctx)
{
	note(ctx, &entered);
	return 0;
}

SEC("kretprobe/security_task_getpgid")
int on_return(void *ctx)
{
	note(ctx, &left);
	return 0;
}

SEC("kprobe.multi/security_task_getp*d")
int on_many(void *ctx)
{
	note(ctx, &multi);
	return 0;
}

SEC("uprobe")
int on_user(void *ctx)
{
	note(ctx, &user);
	return 0;
}

/* Since Linux 6.6. */
SEC("?uprobe.multi")
int on_users(void *ctx)
{
	note(ctx, &user);
	return 0;
}

/* By name: the tests of package uprobe make the library. */
SEC("?uprobe/libprobed.so.1:probed_function+0x0")
int on_named(void *ctx)
{
	note(ctx, &user);
	return 0;
}

SEC("?uretprobe.multi/libprobed.so.1:probed_*")
int on_matched(void *ctx)
{
	note(ctx, &user);
	return 0;
}
