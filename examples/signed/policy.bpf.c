//go:build ignore

// SPDX-License-Identifier: MIT
//
// Denies the load of BPF programs whose signature the kernel has not verified, or has verified with
// another keyring.

#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define EPERM 1

// Set after the load: serial number of the keyring with the trusted certificates; 0: any.
__s32 trusted_keyring = 0;

// Number of denied loads.
__u64 denied = 0;

// The fields of kernel types that are used here. CO-RE relocates them.

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

// security_bpf_prog_load(prog, attr, token, kernel) runs after the kernel has verified the
// signature and before the verifier.
SEC("lsm/bpf_prog_load")
int deny_unsigned(__u64 *ctx)
{
	struct bpf_prog *prog = (void *)ctx[0];
	union bpf_attr *attr = (void *)ctx[1];
	bool kernel = ctx[3];
	bool verified;
	__s32 keyring;

	// Loaded by a loader program, which was checked itself.
	if (kernel)
		return 0;

	// The kernel applies CO-RE records after it has verified the signature, which does not cover
	// them. They can change any signed instruction.
	if (attr->core_relo_cnt != 0)
		goto deny;

	if (bpf_core_field_exists(prog->aux->sig)) {
		verified = prog->aux->sig.verdict == 1;
		keyring = prog->aux->sig.keyring_serial;
	} else {
		// A load with a wrong signature fails before this hook.
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
