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

# What only the project's own work needs is in modules of its own: users get none of its dependencies.
MODULES := . internal/bench internal/vmtest
TOOL := $(GO) tool -modfile=$(CURDIR)/internal/tools/go.mod

# each COMMAND runs it in every module's folder.
each = @set -e; for module in $(MODULES); do (cd $$module && $(1)); done

# The race detector is worth its time where goroutines share something.
RACE := ./runtime/... ./loader/... ./codegen/... ./internal/object/... ./internal/kindtest/...

all: build

build:
	$(call each,$(GO) build -o /dev/null ./...)

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
	@unformatted=$$(git ls-files '*.go' | xargs $(TOOL) gofumpt -l); \
		[ -z "$$unformatted" ] || { echo "not formatted, run make format:" $$unformatted; exit 1; }
	$(call each,$(GO) vet ./...)
	$(call each,GOARCH=386 $(GO) vet ./...) # an int of 32 bits
	$(call each,$(TOOL) staticcheck ./...)

format:
	git ls-files '*.go' | xargs $(TOOL) gofumpt -w

tidy:
	$(call each,$(GO) mod tidy)
	cd internal/tools && $(GO) mod tidy

unit:
	.ci/gotest.sh $$($(GO) list ./... | grep -vxF "$$($(GO) list $(RACE))")
	.ci/gotest.sh -race $(RACE)
	.ci/gotest.sh -run 'TestSoak|TestHintMemoryLock' ./runtime
	cd internal/bench && $(CURDIR)/.ci/gotest.sh ./...
	cd internal/vmtest && $(CURDIR)/.ci/gotest.sh -race ./...

vmtest:
	@$(SETUP) vm
	$(GO) -C internal/vmtest run . $(if $(KERNEL),-kernel '$(KERNEL)') $(if $(RUN),-run '$(value RUN)') $(VMTESTFLAGS)

bench:
	@$(SETUP) test
	$(GO) -C internal/bench run . $(if $(SMOKE),-smoke,-o $(CURDIR)/docs) $(BENCHFLAGS)

fuzz:
	@.ci/fuzz.sh $(FUZZTIME)

# Writes the golden files anew, in the packages whose tests have the flag for it.
golden:
	@$(SETUP) generate
	$(GO) test -count=1 $$(git grep -lE 'flag\.Bool\("update"' -- '*_test.go' | xargs -n 1 dirname | sort -u | sed 's,^,./,') -update

# Fetched kernels stay: they are in the user's cache folder, bpf2lskel/vmtest.
clean:
	$(GO) clean -testcache
	rm -rf bin internal/bench/_bin

.PHONY: all build generate demo test lint format tidy unit vmtest bench fuzz golden clean
