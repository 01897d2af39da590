//go:build ignore

// SPDX-License-Identifier: MIT
//
// Denies loading BPF programs that the kernel has not verified, or not with
// the right keyring.

#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define EPERM 1

// Set after the load: the serial number of the keyring that has the trusted certificates. 0 stands for any.
__s32 trusted_keyring = 0;

// How many loads were denied.
__u64 denied = 0;

// Of the kernel's types, what is used here; CO-RE finds where it is.

struct bpf_prog_aux {
	struct {
		__s32 keyring_serial;
		__u8 verdict; // BPF_SIG_VERIFIED is 1
	} sig; // since Linux 7.2
} __attribute__((preserve_access_index));

struct bpf_prog {
	struct bpf_prog_aux *aux;
} __attribute__((preserve_access_index));

union bpf_attr {
	struct {
		__u64 signature;
		__s32 keyring_id;
		__u32 core_relo_cnt;
	};
} __attribute__((preserve_access_index));

// security_bpf_prog_load(prog, attr, token, kernel), which comes after the
// signature has been verified, and before the verifier.
SEC("lsm/bpf_prog_load")
int deny_unsigned(__u64 *ctx)
{
	struct bpf_prog *prog = (void *)ctx[0];
	union bpf_attr *attr = (void *)ctx[1];
	bool kernel = ctx[3];
	bool verified;
	__s32 keyring;

	// Loaded by a loader program: that one has been here itself.
	if (kernel)
		return 0;

	// The kernel applies CO-RE records after it has verified the signature,
	// which does not cover them: they may change each instruction that was signed.
	if (attr->core_relo_cnt != 0)
		goto deny;

	if (bpf_core_field_exists(prog->aux->sig)) {
		verified = prog->aux->sig.verdict == 1;
		keyring = prog->aux->sig.keyring_serial;
	} else {
		// A wrong signature does not get this far.
		verified = attr->signature != 0;
		keyring = attr->keyring_id;
	}
	if (verified && (trusted_keyring == 0 || keyring == trusted_keyring))
		return 0;
deny:
	__sync_fetch_and_add(&denied, 1);
	return -EPERM;
}

char LICENSE[] SEC("license") = "GPL";
