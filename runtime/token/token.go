// Package token lets loads take a BPF token (Linux 6.9) where they need one: in a container with a
// user namespace of its own, whose BPF file system says what it delegates. Import it for that
// alone:
//
//	import _ "github.com/bpf2lskel/bpf2lskel/runtime/token"
//
// A load that is refused for lack of privileges is tried again with a token of the BPF file system
// at /sys/fs/bpf, or at $LIBBPF_BPF_TOKEN_PATH: for the loader and its map, the object's BTF, maps
// and programs. An empty LIBBPF_BPF_TOKEN_PATH forbids it. A load with the privileges that it needs
// takes none, and pays nothing.
//
// The file system has to delegate what the load itself does, besides the object's own maps,
// programs and attach types:
//
//	delegate_cmds=map_create:prog_load:btf_load
//	delegate_maps=array:...
//	delegate_progs=syscall:...
//	delegate_attachs=cgroup_inet_ingress:...
//
// or any for each of these. The loader and most programs have attach type 0, which is called
// cgroup_inet_ingress. An error says what is missing.
//
// It is a package of its own, and not a part of runtime, so that the code is only in programs that
// run in such a place.
package token

import "github.com/bpf2lskel/bpf2lskel/internal/load"

func init() { load.EnableTokens() }
