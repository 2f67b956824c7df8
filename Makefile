# `make help` lists every target; each sets up what it needs.
#
# PYTHON=python3.12 takes another Python, in a .venv of its own beside the usual one.

PYTHON ?= python3
LEAST := 3.11

VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
VENV := $(if $(filter python3,$(PYTHON)),.venv,.venv-$(VERSION))
BIN := $(VENV)/bin
BENCH := .venv-bench
LISTS := .venv-release
SITE := .venv-site
PIP := -m pip -qq --disable-pip-version-check --no-input install
# A stamp names the Python that it was made with: another one makes the .venv anew.
RUNTIME := $(VENV)/.runtime-$(VERSION)
DEV := $(VENV)/.dev-$(VERSION)
PINNED := requirements/build.txt requirements/runtime.txt requirements/dev.txt
NODE := tests/node/node_modules/.package-lock.json
CHARTS := report/node_modules/.package-lock.json
SPARK := .venv-spark-4/.spark-$(VERSION)
SPARK_3 := .venv-spark-3.5/.spark-$(VERSION)
COMPETITORS := $(BENCH)/.bench-$(VERSION)
LOCK := $(BIN)/uv pip compile --universal --python-version $(LEAST) --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet

# `make test` and `make check`: one worker more than cores, since some tests wait for what is slow on purpose.
WORKERS = $(shell $(PYTHON) -c 'import os; print(1 + (os.cpu_count() or 1))')
PYTEST = $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal
# Byte code is written once, and read by every process that a test starts.
unexport PYTHONDONTWRITEBYTECODE

# `make chaos`
PAYLOADS := 100000
EVENTS := 10000
SEED := 1
MACHINE := $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x86_64)

.DEFAULT_GOAL := help
.PHONY: help python setup dev node demo test check nightly lint types policies lock bench chaos charts pictures load site package release clean

help: ## This list
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

# --- set up -------------------------------------------------------------------------------------------------------------------

python:
	@command -v $(PYTHON) >/dev/null \
	|| { echo "Trailbell needs Python $(LEAST) or newer; there is no $(PYTHON). Name one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < tuple(map(int, "$(LEAST)".split("."))))' \
	|| { echo "Trailbell needs Python $(LEAST) or newer; $(PYTHON) is $(VERSION). Name another: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	|| { echo "$(PYTHON) cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }

# What makes a virtual environment, new where it is of another Python.
define made
	$(1)/bin/python -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != "$(VERSION)")' 2>/dev/null || $(PYTHON) -m venv --clear $(1)
endef

$(RUNTIME): requirements/build.txt requirements/runtime.txt pyproject.toml | python
	@echo "setting up $(VENV) (Python $(VERSION))"
	@$(call made,$(VENV))
	@$(BIN)/python $(PIP) --require-hashes -r requirements/build.txt -r requirements/runtime.txt
	@$(BIN)/python $(PIP) --no-build-isolation --no-deps --editable .
	@touch $@

$(DEV): $(RUNTIME) requirements/dev.txt
	@echo "adding what the tests need"
	@$(BIN)/python $(PIP) --require-hashes -r requirements/dev.txt
	@# Away with what is no longer pinned, and with the project itself, which no list names.
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes $(PINNED)
	@$(BIN)/python $(PIP) --no-build-isolation --no-deps --editable .
	@touch $@

# The language server of editors and a linter of workflows: without npm their tests say that they are skipped.
$(NODE): tests/node/package.json tests/node/package-lock.json
	@if command -v npm >/dev/null; then \
	  echo "adding what the tests start with Node" && npm ci --prefix tests/node --no-audit --no-fund --loglevel=error >/dev/null && touch $@; \
	else echo "there is no npm: the tests of editors and workflows are skipped" >&2; fi

$(COMPETITORS): requirements/build.txt requirements/runtime.txt requirements/bench.txt pyproject.toml | python
	@echo "setting up $(BENCH) (Python $(VERSION))"
	@$(call made,$(BENCH))
	@$(BENCH)/bin/python $(PIP) --require-hashes -r requirements/build.txt -r requirements/runtime.txt
	@$(BENCH)/bin/python $(PIP) --require-hashes -r requirements/bench.txt \
	|| echo "the competitors do not install here; their rows are skipped"
	@$(BENCH)/bin/python $(PIP) --no-build-isolation --no-deps --editable .
	@touch $@

# PySpark 4, and 3.5: it comes as source, so what builds it is installed first.
.venv-spark-%/.spark-$(VERSION): requirements/build.txt requirements/runtime.txt requirements/spark-build.txt requirements/spark-%.txt pyproject.toml | python
	@echo "setting up .venv-spark-$* (Python $(VERSION))"
	@$(call made,.venv-spark-$*)
	@.venv-spark-$*/bin/python $(PIP) --require-hashes -r requirements/build.txt -r requirements/runtime.txt -r requirements/spark-build.txt
	@.venv-spark-$*/bin/python $(PIP) --require-hashes --no-build-isolation -r requirements/spark-$*.txt
	@.venv-spark-$*/bin/python $(PIP) --no-build-isolation --no-deps --editable .
	@touch $@

setup: $(RUNTIME) ## .venv with the command trailbell in .venv/bin, from pinned and hashed packages

dev: $(DEV) ## The same with what the tests need

node: $(NODE) ## What the tests start with Node: an editor's language server, a linter of workflows

# --- use ----------------------------------------------------------------------------------------------------------------------

demo: setup ## Sample events through three teams' policies, and what Slack would show; no AWS, no Slack
	@$(BIN)/trailbell run examples/tour/events --policies examples/tour/policies

test: dev ## The product's tests (some four minutes on two cores), then the policy tests
	@echo "The product's tests take some four minutes on two cores. Whoever changes policies needs no more than: make policies"
	-@$(MAKE) --no-print-directory node
	@$(BIN)/python -m compileall -q engine tests lambda_entry.py spark_entry.py
	$(PYTEST) -m "not long"
	@$(MAKE) --no-print-directory policies

check: dev node lint types ## What `make test` leaves out: style, types, and the long tests (installations, builds, large files)
	$(PYTEST) -m long

nightly: dev node $(SPARK) $(SPARK_3) ## Long searches: the properties with many examples, the long tests, the chaos in full (an hour on two cores)
	HYPOTHESIS_PROFILE=nightly $(PYTEST) -m "hypothesis or long"
	$(BIN)/python tests/many_workers.py deep $(SEED)
	@$(MAKE) --no-print-directory chaos

lint: dev ## Style
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: dev ## Types
	$(BIN)/mypy engine lambda_entry.py spark_entry.py bench

policies: setup ## The base, policies/ and the tour: what is wrong with them, and their tests
	$(BIN)/trailbell lint tests/base/policies --tests tests/base/tests --include-base
	$(BIN)/trailbell test tests/base/tests --policies tests/base/policies --include-base --full-coverage
	$(BIN)/trailbell lint policies
	$(BIN)/trailbell test tests/policies
	$(BIN)/trailbell lint examples/tour/policies --tests examples/tour/tests
	$(BIN)/trailbell test examples/tour/tests --policies examples/tour/policies
	@if $(BIN)/python -c 'import pysat' 2>/dev/null; then for set in tests/base/policies policies examples/tour/policies; do \
	  $(BIN)/trailbell prove --policies $$set || exit 1; done; else echo "guarantees are not proved: make dev brings the solver" >&2; fi

chaos: dev ## Payloads that nobody sends; events, workers killed, a Slack that misbehaves: what was lost (nothing), as a table
	$(BIN)/python tests/mutated.py $(PAYLOADS) $(SEED)
	@$(BIN)/trailbell build --runtime $(VERSION) --architecture $(MACHINE) --output dist/chaos.zip
	$(BIN)/python tests/many_workers.py quick $(SEED)
	$(BIN)/python tests/chaos.py $(EVENTS) $(SEED) dist/chaos.zip

package: setup ## dist/: the wheel and the sdist
	$(BIN)/python -m hatchling build

# The same commit gives the same bits, where PYTHON is the version that the Lambda runs (RELEASING.md).
release: $(RUNTIME) requirements/release.txt ## dist/ as a release has it: wheel, sdist, zips, what they hold, checksums
	@$(call made,$(LISTS))
	@$(LISTS)/bin/python $(PIP) --require-hashes -r requirements/release.txt
	rm -rf dist
	$(BIN)/python -m hatchling build
	.ci/release $(BIN) $(LISTS)/bin dist

$(CHARTS): report/package.json report/package-lock.json
	npm ci --prefix report --no-audit --no-fund --ignore-scripts --loglevel=error >/dev/null && touch $@

charts: $(CHARTS) ## report/charts.js, and the licences beside it: the charts of `trailbell replay --report`, out of pinned npm packages
	node report/build.mjs report

pictures: dev ## The pictures of messages in docs/, by Debian's Chromium
	$(BIN)/python tests/pictures.py

load: dev ## Events a second through one worker and through two, and what bounds them, as a table
	@$(BIN)/trailbell build --runtime $(VERSION) --architecture $(MACHINE) --output dist/chaos.zip
	$(BIN)/python tests/load.py 5000 dist/chaos.zip

$(SITE)/.site-$(VERSION): requirements/site.txt | python
	@echo "setting up $(SITE) (Python $(VERSION))"
	@$(call made,$(SITE))
	@$(SITE)/bin/python $(PIP) --require-hashes -r requirements/site.txt
	@touch $@

site: $(SITE)/.site-$(VERSION) ## build/site: docs/ as a site; a link that leads nowhere fails
	rm -rf build/site
	$(SITE)/bin/python -m sphinx -q -n -W --keep-going -b dirhtml -d build/site-cache docs build/site

bench: $(COMPETITORS) ## How fast: ratios against their targets, docs/speed.json and docs/speed.svg
	$(BENCH)/bin/python -m bench.run

# --- keep ---------------------------------------------------------------------------------------------------------------------

lock: dev ## The requirement files anew, where their sources changed (UPGRADE=--upgrade: to the newest versions)
	$(LOCK) $(UPGRADE) -o requirements/build.txt requirements/build.in
	$(LOCK) $(UPGRADE) -o requirements/runtime.txt pyproject.toml
	$(LOCK) $(UPGRADE) -o requirements/lambda.txt requirements/lambda.in
	$(LOCK) $(UPGRADE) -o requirements/dev.txt requirements/dev.in
	$(LOCK) $(UPGRADE) --extra aws --constraint requirements/runtime.txt --constraint requirements/dev.txt -o requirements/aws.txt pyproject.toml
	$(LOCK) $(UPGRADE) --extra prove --constraint requirements/runtime.txt --constraint requirements/dev.txt -o requirements/prove.txt pyproject.toml
	$(LOCK) $(UPGRADE) -o requirements/release.txt requirements/release.in
	$(LOCK) $(UPGRADE) -o requirements/site.txt requirements/site.in
	$(LOCK) $(UPGRADE) -o requirements/bench.txt requirements/bench.in
	$(LOCK) $(UPGRADE) -o requirements/spark-build.txt requirements/spark-build.in
	$(LOCK) $(UPGRADE) -o requirements/spark-4.txt requirements/spark-4.in
	$(LOCK) $(UPGRADE) -o requirements/spark-3.5.txt requirements/spark-3.5.in
	$(LOCK) $(UPGRADE) -o requirements/cluster.txt requirements/cluster.in

clean: ## Away with everything that the targets made
	rm -rf .venv .venv-* tests/node/node_modules report/node_modules build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
