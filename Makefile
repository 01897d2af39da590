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
#   make bench            measures for about nine minutes, and writes docs/benchmarks.md
#   make bench SMOKE=1    only what does not depend on time: it must not have grown

GO ?= go
SETUP := .ci/setup.sh
FUZZTIME ?= 100000x

# What only the project's own work needs is in modules of its own, and so are runtime/legacy and an example with many
# dependencies: users get none of those.
MODULES := . internal/bench internal/vmtest internal/tools runtime/legacy examples/agent
TOOL := $(GO) tool -modfile=$(CURDIR)/internal/tools/go.mod

# $(call each,COMMAND) runs it in every module's folder.
each = @set -e; for module in $(MODULES); do (cd $$module && $(1)); done

# The race detector is worth its time where goroutines share something.
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

# Where the kernel loads no BPF programs, what needs none runs, and then this fails: a test that cannot run has not passed.
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
	$(call each,GOARCH=386 $(GO) vet ./...) # an int of 32 bits
	GO=$(GO) .ci/vet-elsewhere.sh # macOS and Windows
	$(call each,$(TOOL) staticcheck ./...)
	$(TOOL) actionlint # .github/workflows
	$(GO) -C internal/tools run ./apidoc # docs/api is what the code says

format:
	git ls-files '*.go' | xargs $(TOOL) gofumpt -w

tidy:
	$(call each,$(GO) mod tidy)

unit: unit-pure unit-loads

# The tests that load nothing, and those that do, which run one after the other: .ci/loads has both apart.
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

# Writes the golden files anew, in the packages whose tests have the flag for it, and the description of the API.
golden:
	@$(SETUP) generate
	$(GO) test -count=1 $$(git grep -lE 'flag\.Bool\("update"' -- '*_test.go' | xargs -n 1 dirname | sort -u | sed 's,^,./,') -update
	$(GO) -C internal/tools run ./apidoc -w

# Fetched kernels stay: they are in the user's cache folder, bpf2lskel/vmtest.
clean:
	$(GO) clean -testcache
	rm -rf bin internal/bench/_bin

.PHONY: all build generate demo test lint format tidy unit unit-pure unit-loads vmtest bench fuzz golden clean
