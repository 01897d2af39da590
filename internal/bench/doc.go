// Bench measures how objects load, side by side with what else loads them:
//
//	make bench            everything, and writes docs/benchmarks.md with its plots
//	make bench SMOKE=1    only what does not depend on time, against baseline.json
//
// Each way to load is a peer. A peer has a binary for each object, and each
// binary does one thing: it loads when it is told to, and says what that took
// (package probe). Cold figures are those of the first load of a process, warm ones
// those of later loads of a process that lives on. In each round all
// peers load, one after the other in random order, so that what disturbs the machine disturbs
// them alike; what is compared is the ratio of two peers in the same round.
//
// Loads that the kernel refuses are measured cold, beside cilium/ebpf alone, with their errors put
// into words; the flag -norefused leaves them out.
//
// Files, in the order in which a run goes through them:
//
//	objects.go       what is loaded
//	peers.go         by whom
//	build.go         the binaries of a peer
//	process.go       a process that loads
//	rounds.go        rounds, cold and warm
//	stats.go         medians, ratios, intervals, exponents
//	scale.go         objects that grow
//	refused.go       objects that the kernel refuses, beside cilium/ebpf
//	use.go           what is done with a loaded object, by package use and c/use.c
//	agent.go         examples/agent, beside the same with cilium/ebpf
//	generation.go    generating, beside bpf2go
//	results.go       all that was measured
//	figures.go       which figures there are, and the targets
//	report.go        docs/benchmarks.md, and the table on the terminal
//	plot.go          plots
//	smoke.go         figures that do not depend on time, against a baseline
package main
