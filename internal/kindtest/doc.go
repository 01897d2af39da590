// Package kindtest uses generated packages as their users do. It has a test for each kind of map
// and each way to attach a program; in each, Go reads what the BPF side wrote, or the other way
// round.
//
// The objects are in bpf. An object has the kinds that the same kernels support.
package kindtest

//go:generate go tool bpf2lskel -o arena -type pair -type order bpf/arena.bpf.c
//go:generate go tool bpf2lskel -o cgroups bpf/cgroups.bpf.c
//go:generate go tool bpf2lskel -o cgroupstorage bpf/cgroupstorage.bpf.c
//go:generate go tool bpf2lskel -o dispatch bpf/dispatch.bpf.c
//go:generate go tool bpf2lskel -o events bpf/events.bpf.c
//go:generate go tool bpf2lskel -o functions bpf/functions.bpf.c
//go:generate go tool bpf2lskel -o inodestorage bpf/inodestorage.bpf.c
//go:generate go tool bpf2lskel -o innermaps bpf/innermaps.bpf.c
//go:generate go tool bpf2lskel -o kconfig bpf/kconfig.bpf.c
//go:generate go tool bpf2lskel -o kconfigmissing bpf/kconfigmissing.bpf.c
//go:generate go tool bpf2lskel -o managed -type guarded bpf/managed.bpf.c
//go:generate go tool bpf2lskel -o moduleops bpf/moduleops.bpf.c
//go:generate go tool bpf2lskel -o nested bpf/nested.bpf.c
//go:generate go tool bpf2lskel -o net -type sum bpf/net.bpf.c
//go:generate go tool bpf2lskel -o netfilter bpf/netfilter.bpf.c
//go:generate go tool bpf2lskel -o probes bpf/probes.bpf.c
//go:generate go tool bpf2lskel -cc clang-16 -o qdisc bpf/qdisc.bpf.c
//go:generate go tool bpf2lskel -o queues bpf/queues.bpf.c
//go:generate go tool bpf2lskel -o redirects bpf/redirects.bpf.c
//go:generate go tool bpf2lskel -o sockets bpf/sockets.bpf.c
//go:generate go tool bpf2lskel -o stacks bpf/stacks.bpf.c
//go:generate go tool bpf2lskel -o structops bpf/structops.bpf.c
//go:generate go tool bpf2lskel -o tables bpf/tables.bpf.c
//go:generate go tool bpf2lskel -o targets bpf/targets.bpf.c
//go:generate go tool bpf2lskel -o taskstorage bpf/taskstorage.bpf.c
//go:generate go tool bpf2lskel -o tracing -type line bpf/tracing.bpf.c
//go:generate go tool bpf2lskel -o usdt bpf/usdt.bpf.c
//go:generate go tool bpf2lskel -o usdtindex bpf/usdtindex.bpf.c
