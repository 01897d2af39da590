# On Debian 12 with Go, git, make and root, two commands do their own set-up:
#
#   make demo     counts packets on a pair of virtual interfaces
#   make test     runs all checks and tests, including those in virtual machines
#
# To run some tests on some kernels (comma-separated keys):
#
#   make vmtest KERNEL=6.12 RUN=TestX
#
# To compare the speed of loads with other BPF loaders:
#
#   make bench            takes about nine minutes and writes docs/benchmarks.md
#   make bench SMOKE=1    compares only figures that do not depend on time with their baseline

GO ?= go
SETUP := .ci/setup.sh
FUZZTIME ?= 100000x

# Separate modules keep the dependencies of tests, tools, runtime/legacy and examples/agent out of
# users' builds.
MODULES := . internal/bench internal/vmtest internal/tools runtime/legacy examples/agent
TOOL := $(GO) tool -modfile=$(CURDIR)/internal/tools/go.mod

# $(call each,COMMAND) runs COMMAND in every module's directory.
each = @set -e; for module in $(MODULES); do (cd $$module && $(1)); done

# Packages in which goroutines share data run with the race detector.
RACE := ./runtime/... ./loader/... ./codegen/... ./internal/object/... ./internal/kindtest/...
UNRACED = $$($(GO) list ./... | grep -vxF "$$($(GO) list $(RACE))")

all: build

build:
	$(call each,$(GO) build -o /dev/null ./...)

generate:
	@$(SETUP) generate
	BPF2GO_CFLAGS=-idirafter/usr/include/$$(uname -m)-linux-gnu $(GO) generate ./...
	cd examples/agent && $(GO) generate ./...

demo:
	@$(SETUP) demo
	$(GO) run ./examples/xdp/demo

# If the kernel cannot load BPF programs, the tests that load none run, and then this fails: a test
# that cannot run has not passed.
test:
	@$(SETUP) test vm
	@$(MAKE) --no-print-directory lint
	@$(GO) build -o bin/hostbpf ./internal/hostbpf
	@if reason=$$(bin/hostbpf 2>&1); then \
		$(MAKE) --no-print-directory unit && \
		$(MAKE) --no-print-directory bench SMOKE=1 && \
		$(MAKE) --no-print-directory fuzz FUZZTIME=5s && \
		$(MAKE) --no-print-directory vmtest; \
	else \
		$(MAKE) --no-print-directory unit-pure vmtest; \
		echo "not run on this machine: unit-loads, bench, fuzz: $$reason"; \
		exit 1; \
	fi

lint:
	@unformatted=$$(git ls-files '*.go' | xargs $(TOOL) gofumpt -l); \
		[ -z "$$unformatted" ] || { echo "not formatted, run make format:" $$unformatted; exit 1; }
	$(call each,$(GO) vet ./...)
	$(call each,GOARCH=386 $(GO) vet ./...) # int has 32 bits
	GO=$(GO) .ci/vet-elsewhere.sh # macOS and Windows
	$(call each,$(TOOL) staticcheck ./...)
	$(TOOL) actionlint # .github/workflows
	$(GO) -C internal/tools run ./apidoc # docs/api is up to date

format:
	git ls-files '*.go' | xargs $(TOOL) gofumpt -w

tidy:
	$(call each,$(GO) mod tidy)

unit: unit-pure unit-loads

# unit-pure runs the tests that load no BPF. unit-loads runs the others, which .ci/loads lists, one
# package at a time.
unit-pure:
	.ci/gotest.sh pure $(UNRACED)
	.ci/gotest.sh pure -race $(RACE)
	cd internal/bench && $(CURDIR)/.ci/gotest.sh all ./...
	cd internal/tools && $(CURDIR)/.ci/gotest.sh all ./...
	cd internal/vmtest && $(CURDIR)/.ci/gotest.sh all -race ./...

unit-loads:
	.ci/gotest.sh loads $(UNRACED)
	.ci/gotest.sh loads -race $(RACE)
	cd runtime/legacy && $(CURDIR)/.ci/gotest.sh all ./...
	cd examples/agent && $(CURDIR)/.ci/gotest.sh all ./...
	.ci/gotest.sh all -run 'TestSoak|TestHintMemoryLock' ./runtime

vmtest:
	@$(SETUP) vm
	$(GO) -C internal/vmtest run . $(if $(KERNEL),-kernel '$(KERNEL)') $(if $(RUN),-run '$(value RUN)') $(VMTESTFLAGS)

bench:
	@$(SETUP) test
	$(GO) -C internal/bench run . $(if $(SMOKE),-smoke,-o $(CURDIR)/docs) $(BENCHFLAGS)

fuzz:
	@.ci/fuzz.sh $(FUZZTIME)

# Updates the golden files, in all packages whose tests have the flag -update, and docs/api.
golden:
	@$(SETUP) generate
	$(GO) test -count=1 $$(git grep -lE 'flag\.Bool\("update"' -- '*_test.go' | xargs -n 1 dirname | sort -u | sed 's,^,./,') -update
	$(GO) -C internal/tools run ./apidoc -w

# Fetched kernels are kept in the user's cache directory, bpf2lskel/vmtest.
clean:
	$(GO) clean -testcache
	rm -rf bin internal/bench/_bin

.PHONY: all build generate demo test lint format tidy unit unit-pure unit-loads vmtest bench fuzz golden clean
