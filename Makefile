# `make` lists the targets. Everything runs in .venv, which the first target that needs it builds.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
TORCH := torch==2.13.0
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
READY := $(BIN)/katman
# The tests of a file go to one worker, the files that share something dear first (tests/support/scheduler.py and
# sorting.py say which). A worker takes up to 2 GB; one has those that mostly wait, the others keep a core busy each.
WORKERS ?= 3
PYTEST = $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

# The build of torch that pip finds fits the machine (CUDA or CPU), so torch and what only its CUDA build
# brings stay out of the lock, and come by version alone. They are installed last: what else torch needs is
# there by then, by the lock's hashes. pip, setuptools and wheel are the environment's own.
NOT_LOCKED := pip setuptools wheel torch triton cuda-bindings cuda-pathfinder cuda-python cuda-toolkit \
	nvidia-cublas nvidia-cuda-cccl nvidia-cuda-cupti nvidia-cuda-nvrtc nvidia-cuda-runtime nvidia-cudnn-cu13 nvidia-cufft \
	nvidia-cufile nvidia-curand nvidia-cusolver nvidia-cusparse nvidia-cusparselt-cu13 nvidia-nccl-cu13 \
	nvidia-nvjitlink nvidia-nvshmem-cu13 nvidia-nvtx

.DEFAULT_GOAL := help
.PHONY: help sample sample-next pictures hub check test long test-gpu faults accessibility lint lock bench clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(INSTALLED): requirements.lock
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$(TORCH)"
	touch $@

# The launcher behind a line that is a command to sh and a text to Python, so that any path may stand in it.
$(READY): launcher.py $(INSTALLED)
	{ printf '#!/bin/sh\n"exec" "%s" "$$0" "$$@"\n' "$$(cd $(BIN) && pwd)/python"; cat launcher.py; } > $@
	chmod +x $@

$(VENV): $(READY)  ## build .venv with everything, and the command `katman`

sample: $(READY)  ## the whole line offline: data, training, verdict and release, in under five minutes
	@$(BIN)/python -m sample

sample-next: $(READY)  ## what happens when the data moves: a second release, and one that the gate refuses
	@$(BIN)/python -m sample next

pictures: $(READY)  ## draw README's pictures anew from what the sample left, with Chromium
	@$(BIN)/python -m docs.draw_pages

hub: $(READY)  ## look at what the sample released, in a browser
	@$(BIN)/python -m sample hub

check: lint  ## while you work: lint, types and the tests that need no server, no model and no process
	$(PYTEST) --numprocesses 2 -m 'not server and not model and not process and not faults and not long'

test: lint  ## lint, types and the tests: twenty minutes on two cores
	$(PYTEST)

long: $(READY)  ## the tests that train again and again, or wait for a schedule; CI runs them behind `make test`
	$(PYTEST) -m long

test-gpu: $(READY)  ## the tests that need a CUDA device, on a machine that has one
	$(BIN)/python -m pytest -m gpu tests/engine

faults: $(READY)  ## every fault at every request of a release, and ten minutes without a server: about an hour
	FAULTS_REPORT=$(or $(FAULTS_REPORT),$(CURDIR)/.faults.json) $(BIN)/python -m pytest -m faults tests/faults

BROWSER := tests/localhub/browser

accessibility: $(READY)  ## axe-core looks at every page of localhub in Chromium; installs axe-core by npm
	cd $(BROWSER) && npm ci --ignore-scripts --no-audit --no-fund --silent
	$(BIN)/python -m pytest -m browser tests/localhub/test_accessibility.py

lint: $(READY)  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lock: $(READY)  ## write requirements.lock anew from pyproject.toml
	$(BIN)/pip-compile --quiet --generate-hashes --extra dev --extra sample --extra signing --extra s3 --extra mteb --strip-extras --no-header --no-allow-unsafe \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options \
		$(addprefix --unsafe-package ,$(NOT_LOCKED)) --output-file requirements.lock pyproject.toml
	@if grep -nE '^(torch|triton|nvidia-|cuda-)|\+cpu|://|^--' requirements.lock; then \
		echo 'requirements.lock holds what it must not (above): add it to NOT_LOCKED in the Makefile'; exit 1; fi

# What runs on any machine in minutes. BENCH=bench.gate takes ten, and with
# ARGS=--chain half an hour; bench.gpu wants a GPU, and bench.accuracy a model and data (ARGS='--base … --train …').
BENCH ?= bench bench.audit

bench: $(READY)  ## the engine against stock, and the audit; others with BENCH=bench.gate, flags with ARGS
	@missed=; for name in $(BENCH); do $(BIN)/python -m $$name $(ARGS) || missed="$$missed $$name"; done; \
		test -z "$$missed" || { echo "missed what is wanted, or failed:$$missed"; exit 1; }

clean:  ## remove what the sample and the tools left; .venv stays
	rm -rf .sample .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
