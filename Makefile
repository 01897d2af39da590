# Two commands do all their own set-up on Debian 12 with Go, git, make and root:
#
#   make demo     count packets on a pair of virtual interfaces
#   make test     everything that is checked, the virtual machines included
#
# A part of it:
#
#   make vmtest KERNEL=6.12 RUN=TestX    some kernels (keys with commas between), some tests
#
# And how fast it loads, beside what else loads BPF objects:
#
#   make bench            measures for about eight minutes, and writes docs/benchmarks.md
#   make bench SMOKE=1    only what does not depend on time: it must not have grown

GO ?= go
SETUP := .ci/setup.sh
FUZZTIME ?= 100000x

# The race detector is worth its time where goroutines share something.
RACE := ./runtime/... ./loader/... ./codegen/... ./internal/object/... ./internal/kindtest/... ./internal/vmtest

all: build

build:
	$(GO) build ./...

generate:
	@$(SETUP) generate
	BPF2GO_CFLAGS=-idirafter/usr/include/$$(uname -m)-linux-gnu $(GO) generate ./...

demo:
	@$(SETUP) demo
	$(GO) run ./examples/xdp/demo

test:
	@$(SETUP) test vm
	@$(MAKE) --no-print-directory lint unit
	@$(MAKE) --no-print-directory bench SMOKE=1
	@$(MAKE) --no-print-directory fuzz FUZZTIME=5s
	@$(MAKE) --no-print-directory vmtest

lint:
	@unformatted=$$(git ls-files '*.go' | xargs $(GO) tool gofumpt -l); \
		[ -z "$$unformatted" ] || { echo "not formatted, run go tool gofumpt -w:" $$unformatted; exit 1; }
	$(GO) vet ./...
	GOARCH=386 $(GO) vet ./... # an int of 32 bits
	$(GO) tool staticcheck ./...

unit:
	.ci/gotest.sh $$($(GO) list ./... | grep -vxF "$$($(GO) list $(RACE))")
	.ci/gotest.sh -race $(RACE)
	.ci/gotest.sh -run 'TestSoak|TestHintMemoryLock' ./runtime

vmtest:
	@$(SETUP) vm
	$(GO) run ./internal/vmtest $(if $(KERNEL),-kernel '$(KERNEL)') $(if $(RUN),-run '$(RUN)') $(VMTESTFLAGS)

bench:
	@$(SETUP) test
	$(GO) run ./internal/bench $(if $(SMOKE),-smoke,-o docs) $(BENCHFLAGS)

fuzz:
	@.ci/fuzz.sh $(FUZZTIME)

# Writes the golden files anew, in the packages whose tests have the flag for it.
golden:
	@$(SETUP) generate
	$(GO) test -count=1 $$(git grep -lE 'flag\.Bool\("update"' -- '*_test.go' | xargs -n 1 dirname | sort -u | sed 's,^,./,') -update

# Fetched kernels stay: they are in the user's cache folder, bpf2lskel/vmtest.
clean:
	$(GO) clean -testcache
	rm -rf bin

.PHONY: all build generate demo test lint unit vmtest bench fuzz golden clean
