//go:build ignore

// SPDX-License-Identifier: MIT
//
// Reports processes that start, files that are opened and TCP connections that are made.

#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

// The fields of kernel structs that are used here. CO-RE relocates them.
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct linux_binprm {
	const char *filename;
};

struct in6_addr {
	union {
		__u8 u6_addr8[16];
	} in6_u;
};

struct sock_common {
	unsigned int skc_daddr;
	unsigned short skc_dport, skc_family;
	struct in6_addr skc_v6_daddr;
};

struct sock {
	struct sock_common __sk_common;
};

#pragma clang attribute pop

enum kind { PROCESS, FILE_OPENED, CONNECTION, KINDS };

struct event {
	enum kind kind;
	__u32 pid;
	__u32 uid;
	__u16 family; // of a connection: AF_INET, AF_INET6
	__u16 port;
	__u8 addr[16];
	char comm[16];
	char path[128]; // of a process or a file
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
	__type(value, struct event);
} events SEC(".maps");

// Set at start: report only this user's events.
const volatile __u32 only_uid = 0xffffffff; // all users

// Events lost because the ring buffer was full.
__u64 dropped[KINDS];

static struct event *begin(enum kind kind)
{
	__u32 uid = bpf_get_current_uid_gid();
	struct event *e;

	if (only_uid != 0xffffffff && only_uid != uid)
		return NULL;
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		__sync_fetch_and_add(&dropped[kind], 1);
		return NULL;
	}
	e->kind = kind;
	e->pid = bpf_get_current_pid_tgid() >> 32;
	e->uid = uid;
	e->family = e->port = 0;
	__builtin_memset(e->addr, 0, sizeof(e->addr));
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	e->path[0] = 0;
	return e;
}

SEC("raw_tp/sched_process_exec")
int process_started(struct bpf_raw_tracepoint_args *ctx)
{
	const struct linux_binprm *binprm = (void *)ctx->args[2];
	struct event *e = begin(PROCESS);

	if (!e)
		return 0;
	bpf_probe_read_kernel_str(e->path, sizeof(e->path), BPF_CORE_READ(binprm, filename));
	bpf_ringbuf_submit(e, 0);
	return 0;
}

// The arguments that both tracepoints have (events/syscalls/sys_enter_openat/format).
struct open_args {
	__u64 common;
	__s64 nr;
	__s64 dfd;
	const char *filename;
};

static int opened(struct open_args *args)
{
	struct event *e = begin(FILE_OPENED);

	if (!e)
		return 0;
	bpf_probe_read_user_str(e->path, sizeof(e->path), args->filename);
	bpf_ringbuf_submit(e, 0);
	return 0;
}

SEC("tp/syscalls/sys_enter_openat")
int file_opened(struct open_args *args)
{
	return opened(args);
}

SEC("tp/syscalls/sys_enter_openat2")
int file_opened_2(struct open_args *args)
{
	return opened(args);
}

SEC("raw_tp/inet_sock_set_state")
int connection_made(struct bpf_raw_tracepoint_args *ctx)
{
	const struct sock *sk = (void *)ctx->args[0];
	const int syn_sent = 2; // TCP_SYN_SENT: still in the process that connects
	struct event *e;

	if (ctx->args[2] != syn_sent)
		return 0;
	e = begin(CONNECTION);
	if (!e)
		return 0;
	e->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	e->port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (e->family == 2) { // AF_INET
		__u32 addr = BPF_CORE_READ(sk, __sk_common.skc_daddr);

		__builtin_memcpy(e->addr, &addr, sizeof(addr));
	} else {
		BPF_CORE_READ_INTO(&e->addr, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr8);
	}
	bpf_ringbuf_submit(e, 0);
	return 0;
}

char _license[] SEC("license") = "GPL";
