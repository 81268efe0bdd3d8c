# Targets of ripcord. `make test` and `make demo` need only Go, and root to run completely. The
# tests install everything else themselves (test/**/packages).
GO      ?= go
VERSION ?= $(shell deploy/package/version)
# Packages with tests. Those with a file *_linux_test.go depend on the kernel's timing; the
# simulation has its own targets; the others are pure.
TESTED  := $(sort $(patsubst %/,./%,$(dir $(shell find pkg cmd test/arch test/golden test/manpage test/conformance test/mutation -name '*_test.go'))))
KERNEL  := $(sort $(patsubst %/,./%,$(dir $(shell find pkg cmd -name '*_linux_test.go'))))
PURE    := $(filter-out $(KERNEL) ./pkg/sim,$(TESTED))
# Packages with goroutines in the code or in the tests. In the others the race detector has nothing
# to find.
RACED   := $(filter $(TESTED),$(sort $(patsubst %/,./%,$(dir $(shell grep -rlE '^\s*go [a-z]|\.Go\b|synctest' --include='*.go' pkg cmd test/arch)))))
# All fuzz targets, each with its package.
FUZZ    := $(sort $(shell grep -roE --include='*_test.go' '^func Fuzz[A-Za-z0-9]+' pkg | sed -E 's|^pkg/(.*)/[^/]*:func |\1:|'))
FUZZFOR ?= 5s
RUN     ?= .
FILES   ?= .
# A partial run writes no RESULTS.md.
RESULTS  = $(if $(filter .,$(RUN)),-results $(CURDIR)/test/bench/RESULTS.md)
BENCH   := $(GO) test -count=1 -p 1 -v
# Runs tests that depend on the kernel's timing on a machine that others use, too. A test that fails
# is run once more, alone, and both runs are shown. It counts as failed if it fails twice. More than
# ten failures, a panic or a data race count as failed at once.
RETRY   := $(GO) tool gotestsum --rerun-fails=1 --rerun-fails-run-root-test --rerun-fails-max-failures=10 --rerun-fails-abort-on-data-race
VERBOSE := $(RETRY) --format=standard-verbose

.PHONY: build test unit lab chaos mutations interop interop-full keepalived-diff test-vm test-page package test-package fuzz check static race race-kernel race-pure race-sim demo bench bench-short bench-smoke bench-setup bench-go clean

build: ## bin/ripcord
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/ripcord ./cmd/ripcord

test: setup unit fuzz lab ## everything that must pass

setup:
	@test/setup

unit: ## the pure core, the simulation (400 virtual hours), and the packages that use the kernel
	$(GO) test -count=1 $(PURE)
	$(GO) test -count=1 ./pkg/sim -hours 400
	$(RETRY) --packages='$(KERNEL)' -- -count=1 -p 2

lab: build ## the built binary on LANs of namespaces; one test: make lab RUN=TestName
	$(VERBOSE) --packages=./test/lab -- -count=1 -p 1 -parallel 16 -timeout 25m -run '$(RUN)'

chaos: ## 10,000 virtual hours of disturbances at random, over 200 seeds and all LANs; ten minutes of a processor
	$(GO) test -count=1 -timeout 1h ./pkg/sim -run TestChaos -hours 10000 -seeds 200

mutations: ## breaks a rule of the code at a time, and sees a test fail (not part of test); one: make mutations RUN=preempt_delay
	$(GO) test -count=1 -timeout 1h ./test/mutation -run 'TestMutationsAreCaught/$(RUN)' -mutate

interop: ## beside Debian's keepalived and FRR, the essential cells of the matrix (not part of test)
	@test/setup packages interop/packages
	$(VERBOSE) --packages=./test/interop -- -count=1 -parallel 16 -timeout 10m -run '$(RUN)'

interop-full: ## all of the matrix; KEEPALIVED=PATH: beside another keepalived
	@test/setup packages interop/packages
	$(VERBOSE) --packages=./test/interop -- -count=1 -parallel 16 -timeout 20m -run '$(RUN)' -args -full

keepalived-diff: ## keepalived (or KEEPALIVED=PATH) and ripcord, started from the same files (not part of test); some: FILES=expression
	@test/setup
	$(VERBOSE) --packages=./test/keepalived -- -count=1 -parallel 64 -timeout 10m -run '$(RUN)' -args -files '$(FILES)'

test-vm: ## the binary under Debian's kernel on emulated NICs, cables pulled (not part of test)
	@test/setup vm/packages
	RIPCORD_VM=required $(VERBOSE) --packages=./test/vm -- -count=1 -timeout 15m -run '$(RUN)'

test-page: ## the status page in a headless Chromium (not part of test)
	@test/setup page/packages
	RIPCORD_PAGE=required $(VERBOSE) --packages=./test/page -- -count=1 -timeout 10m -run '$(RUN)'

package: ## .deb and .rpm for amd64 and arm64 in bin/
	deploy/package/build bin amd64 arm64

test-package: ## the packages, installed, upgraded, removed and purged in a root of their own (not part of test)
	@test/setup package/packages
	$(GO) test -count=1 -v -timeout 10m -run '$(RUN)' ./test/package

# On a loaded machine a target that is interrupted at the end of its time can fail with "context
# deadline exceeded". So a target that fails runs twice: an input that fails is stored under
# testdata/fuzz, and the second run starts with it.
fuzz: ## each target for FUZZFOR
	@printf '%s\n' $(FUZZ) | xargs -P 2 -I {} sh -c 't={}; \
		run() { $(GO) test -run "^$$" -fuzz "^$${t#*:}$$" -fuzztime $(FUZZFOR) -parallel 1 ./pkg/$${t%:*}; }; \
		run || run || exit 255'

check: static race race-sim ## format, vet, a 32-bit build, staticcheck, tidiness, architecture, races

static:
	@test -z "$$(gofmt -l cmd pkg test)" || { echo 'gofmt wants to change:'; gofmt -l cmd pkg test; exit 1; }
	$(GO) vet ./...
	GOARCH=arm $(GO) build ./...
	$(GO) tool staticcheck ./...
	$(GO) mod tidy -diff
	$(GO) test -count=1 ./test/arch

race: race-pure race-kernel

race-pure:
	$(GO) test -race -count=1 $(filter-out $(KERNEL) ./pkg/sim,$(RACED))

race-kernel:
	$(RETRY) --packages='$(filter $(KERNEL),$(RACED))' -- -race -count=1 -p 2

race-sim:
	$(GO) test -race -count=1 ./pkg/sim -hours 2

demo: build ## a LAN of two routers on this machine, a cable pulled
	@bin/ripcord demo

bench: bench-setup bench-go ## Go benchmarks, then beside keepalived (or KEEPALIVED=PATH), for as long as it takes
	$(BENCH) -timeout 2h -run '$(RUN)' ./test/bench -size full $(RESULTS)

bench-short: bench-setup ## the same in ten minutes, of fewer repetitions
	$(BENCH) -timeout 1h -run '$(RUN)' ./test/bench -size short $(RESULTS)

bench-smoke: bench-setup ## does all of it work? Its figures mean nothing
	$(VERBOSE) --packages=./test/bench -- -count=1 -p 1 -parallel 16 -timeout 5m -run '$(RUN)' -args -size smoke

bench-setup:
	@test -n "$$KEEPALIVED" || test/setup packages bench/packages

bench-go: ## Go benchmarks of the hot paths
	$(GO) test -run '^$$' -bench . -benchmem ./pkg/...

clean:
	rm -rf bin
