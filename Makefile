# The tools below are pinned here and not in go.mod: they are no part of what
# is built. go run fetches and caches them.
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOFUMPT     := mvdan.cc/gofumpt@v0.12.0

# The database that features are compared with, from PyPI.
DUCKDB := duckdb==2.0.0

# A client of another language that events are published with, from PyPI.
NATSPY := nats-py==2.16.0

# What sends all kinds of requests to every route of /openapi.json, from PyPI.
SCHEMATHESIS := schemathesis==4.32.5

# How long each fuzz target runs under `make fuzz`.
FUZZTIME := 30s

.PHONY: all test lint race fuzz bench checkpoints pgo mutants worlds consequences sample brute late late-data crash publishes powercut hurt compare-duckdb compare-nats api-fuzz

all: test

# Everything that must pass, on a fresh checkout with Go alone.
test: lint
	go test -timeout 12m ./...

lint:
	go vet ./...
	@unformatted=$$(go run $(GOFUMPT) -l .) || exit 1; \
	if [ -n "$$unformatted" ]; then \
		echo "not formatted; run: go run $(GOFUMPT) -w ."; echo "$$unformatted"; exit 1; \
	fi
	go run $(STATICCHECK) ./...

# Needs a C compiler.
race:
	go test -race -timeout 30m ./...

# One target after the other; go test -fuzz takes one only.
fuzz:
	@set -e; for package in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
			echo "$$package $$target"; \
			go test $$package -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME); \
		done; \
	done

# Compiled by the profile that weir is built with.
bench:
	go test -pgo=$(CURDIR)/cmd/weir/default.pgo -run '^$$' -bench . -benchmem ./...

# What a checkpoint costs (1 M of 2 M keys changed; a new base of 1 GB), and what a restart
# after kill -9 takes with a million keys and a full log. Some minutes, 8 GB of memory.
checkpoints:
	go test -pgo=$(CURDIR)/cmd/weir/default.pgo ./cep -run '^$$' -bench 'Freeze/.*/2000000|Restore' -benchtime 1x -timeout 30m
	go test ./state -run '^$$' -bench 'Base$$' -benchtime 1x -timeout 30m
	go run ./cmd/weir bench restart

# The profile that go build compiles weir by: features, patterns and reading of events, in
# order and late. Made anew now and then; results do not depend on it.
pgo:
	GOMAXPROCS=1 go test -pgo=off ./bench -run '^$$' -bench 'Features|JSON|Workload' -benchtime 3x -cpuprofile $(CURDIR)/inorder.prof
	GOMAXPROCS=1 go test -pgo=off ./bench -run '^$$' -bench 'Eager|BusyKey|Served' -benchtime 1x -cpuprofile $(CURDIR)/late.prof
	go run -pgo=off ./cmd/weir bench serve --duration 20s --profile $(CURDIR)/serve.prof
	go tool pprof -proto inorder.prof late.prof serve.prof > cmd/weir/default.pgo
	rm -f inorder.prof late.prof serve.prof

# Changes each shipped rule in every way that its tests should notice.
mutants:
	go test ./rulesets -run TestMutants -v

# The exhaustive comparison of small patterns with the reference evaluator: an hour
# or more on one core. Stopped, it goes on where worlds.state says.
worlds:
	go test ./nfa -run TestWorlds -v -timeout 0 -worlds.full -worlds.state $(CURDIR)/worlds.state

# Features against an evaluator that keeps all events: a million of them, from a seed
# that is printed; make brute SEED=7 repeats one. Some minutes.
SEED := 0

brute:
	go test ./rules -run 'TestBrute$$' -v -timeout 0 -brute.events 1000000 -brute.seed $(SEED)

# What follows from matches (alerts, decisions, holds, risks, rules on rules) compared with
# a reference evaluator, on a million random rulesets: a quarter of an hour or more. SEED gives other ones.
consequences:
	go test ./cep -run 'TestConsequences$$' -v -timeout 0 -consequences 1000000 -consequences.seed $(SEED)

# Late events: alerts minus retractions against those of the sorted stream, on random rulesets, streams
# and orders of arrival. make late SEED=7 CASES=100000; a case that fails is made small and left in a folder.
CASES := 1000000

late:
	GOGC=400 go test ./rules -run 'TestLate$$' -v -timeout 0 -late.cases $(CASES) -late.seed $(SEED)

# The events of the folder DATA brought up to 10 minutes late, under its rules or RULES: the live alerts
# against those of the events in their order. SHARE=0.1 brings a tenth of them late.
SHARE := 1

late-data:
	@test -n "$(DATA)" || { echo "DATA is missing, a folder of .ndjson or .ndjson.gz: make late-data DATA=folder RULES=rules.yaml"; exit 2; }
	go test ./cmd/weir -run 'TestLateData$$' -v -timeout 0 -late.data $(abspath $(DATA)) $(if $(RULES),-late.rules $(abspath $(RULES))) -late.seed $(SEED) -late.share $(SHARE)

# The service killed KILLS times at places and moments that follow from SEED, while clients post:
# nothing that was acked is lost or there twice, and the alerts are those of a replay. Some 2 s a kill.
KILLS := 200

crash:
	go test ./cmd/weir -run 'TestCrash$$' -v -timeout 0 -crash.kills $(KILLS) -crash.seed $(SEED)

# Rules, params, features and lists changed while clients post, and the service killed KILLS times at
# places and moments that follow from SEED: each change that was answered is there once, the others once
# or not at all, and the alerts are those of a replay. Some 3 s a kill.
publishes:
	go test ./cmd/weir -run 'TestPublishes$$' -v -timeout 0 -publishes.kills $(KILLS) -publishes.seed $(SEED)

# CUTS power cuts, half of them with durability interval. Some 5 s each.
CUTS := 200

powercut:
	go test ./cmd/weir -run 'TestPowerCut$$' -v -timeout 0 -powercut.cuts $(CUTS) -crash.seed $(SEED)

# The log on three NATS servers, each a process of its own: HURTS times one is killed, loses its
# disk or is cut off, or the service is killed, while clients post and publish. Some 8 s each.
HURTS := 100

hurt:
	go test ./cmd/weir -run 'TestHurt$$' -v -timeout 0 -hurt.count $(HURTS) -crash.seed $(SEED)

# The sample of the demo, after a change of its generator.
sample:
	go test ./rulesets -run TestSample -rewrite

# Features against window functions, over the events of DATA: compare/README.md.
# Needs python3 with venv and pip; what it fetches and builds is removed at the end.
compare-duckdb:
	@test -n "$(DATA)" || { echo "DATA is missing, a file of events: make compare-duckdb DATA=events.ndjson.gz (see compare/README.md)"; exit 2; }
	@test -f "$(DATA)" || { echo "$(DATA) is no file"; exit 2; }
	@python3 -c 'import ensurepip, venv' 2>/dev/null || { echo "python3 with the modules venv and pip is needed"; exit 2; }
	@set -e; folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	go build -o "$$folder/weir" ./cmd/weir; \
	python3 -m venv "$$folder/python"; \
	"$$folder/python/bin/pip" install --quiet --disable-pip-version-check $(DUCKDB); \
	"$$folder/python/bin/python" compare/features.py "$$folder/weir" "$(DATA)"

# EVENTS events published over NATS by a client in Python, against the same posted over HTTP.
# Needs python3 with venv and pip; what it fetches and builds is removed at the end.
EVENTS := 1000000

compare-nats:
	@python3 -c 'import ensurepip, venv' 2>/dev/null || { echo "python3 with the modules venv and pip is needed"; exit 2; }
	@set -e; folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	go build -o "$$folder/weir" ./cmd/weir; \
	python3 -m venv "$$folder/python"; \
	"$$folder/python/bin/pip" install --quiet --disable-pip-version-check $(NATSPY); \
	"$$folder/python/bin/python" compare/publish.py "$$folder/weir" $(EVENTS)

# Requests of every kind, EXAMPLES for each route, to a service of its own, by a client that reads
# /openapi.json: no answer is a 500, and each is one that stands there.
# Needs python3 with venv and pip; what it fetches and builds is removed at the end.
EXAMPLES := 100

api-fuzz:
	@python3 -c 'import ensurepip, venv' 2>/dev/null || { echo "python3 with the modules venv and pip is needed"; exit 2; }
	@set -e; folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	go build -o "$$folder/weir" ./cmd/weir; \
	python3 -m venv "$$folder/python"; \
	"$$folder/python/bin/pip" install --quiet --disable-pip-version-check $(SCHEMATHESIS); \
	"$$folder/python/bin/python" compare/fuzz.py "$$folder/weir" $(EXAMPLES)
