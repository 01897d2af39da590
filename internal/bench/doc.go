// Command bench measures how objects load, side by side with other ways to load BPF objects:
//
//	make bench            everything, and writes docs/benchmarks.md with its plots
//	make bench SMOKE=1    only what does not depend on time, against baseline.json
//
// Each way to load is a peer. A peer has a binary for each object, which loads it on request and
// reports what that took (package probe). Cold figures are from the first load of a process, warm
// figures from later loads of the same process. In each round all peers load, one after the other
// in random order, so that disturbances affect all alike. Compared are ratios of two peers in the
// same round.
//
// Loads that the kernel refuses are measured cold, beside cilium/ebpf only, and include formatting
// their errors; the flag -norefused leaves them out.
//
// Files, in the order in which a run uses them:
//
//	objects.go       what is loaded
//	peers.go         by whom
//	build.go         the binaries of a peer
//	process.go       a process that loads
//	rounds.go        rounds, cold and warm
//	stats.go         medians, ratios, intervals, exponents
//	scale.go         objects that grow
//	refused.go       objects that the kernel refuses, beside cilium/ebpf
//	use.go           operations on a loaded object, with package use and c/use.c
//	timeline.go      one load, system call by system call
//	agent.go         examples/agent, beside the same agent with cilium/ebpf
//	generation.go    generating, beside bpf2go
//	results.go       all measurements
//	figures.go       figures and targets
//	report.go        docs/benchmarks.md, and the table on the terminal
//	plot.go          plots
//	smoke.go         figures that do not depend on time, against a baseline
package main
