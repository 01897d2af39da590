// Package token makes loads use a BPF token (Linux 6.9) where they need one: in a container with
// its own user namespace, whose BPF file system delegates privileges. Import it for its side
// effect:
//
//	import _ "github.com/bpf2lskel/bpf2lskel/runtime/token"
//
// If a load is refused for lack of privileges, it is retried with a token of the BPF file system at
// /sys/fs/bpf, or at $LIBBPF_BPF_TOKEN_PATH, for the loader and its map and for the object's BTF,
// maps and programs. An empty LIBBPF_BPF_TOKEN_PATH disables tokens. A load that has the privileges
// it needs does not use a token, and pays nothing.
//
// In addition to the object's own maps, programs and attach types, the file system must delegate
// what the load itself uses:
//
//	delegate_cmds=map_create:prog_load:btf_load
//	delegate_maps=array:...
//	delegate_progs=syscall:...
//	delegate_attachs=cgroup_inet_ingress:...
//
// or any for each of these. The loader and most programs have attach type 0, which is called
// cgroup_inet_ingress. If something is missing, the error says what.
//
// It is separate from package runtime so that only programs that run in such a container contain
// the code.
package token

import "github.com/bpf2lskel/bpf2lskel/internal/load"

func init() { load.EnableTokens() }
