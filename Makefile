# Two commands are enough on a fresh machine: `make demo` and `make test`.
SHELL := /bin/bash
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready

.PHONY: help setup demo serve test contract test-unit likeness test-cluster faults bench quality bench-queue bench-scale bench-autoscaling bench-events bench-wire bench-gpu lint format lock wheel docs reference examples converged clean
.DEFAULT_GOAL := help

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(READY) ## make .venv from the pinned requirements

# `.ready` is written last, so an interrupted set-up is done again.
$(READY): requirements.lock pyproject.toml tools/ray_defaults.py
	@python=$$(PYTHON="$(PYTHON)" tools/find-python) && { test -x $(PY) || "$$python" -m venv $(VENV); }
	@echo "installing the pinned requirements into $(VENV) (bpy alone is 370 MB to download)"
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . 2>$(VENV)/install.log || { cat $(VENV)/install.log; exit 1; }
	@$(PY) tools/ray_defaults.py
	@$(VENV)/bin/render-server check
	@touch $@

demo: $(READY) ## start a server, render an example over HTTP, show where the templates are, stop
	@$(VENV)/bin/render-server demo

serve: $(READY) ## start the server (RENDER_SERVER_HOST, RENDER_SERVER_PORT, RENDER_LOG_LEVEL, BLENDER_PROC_SAMPLES)
	@exec $(VENV)/bin/render-server up

# What needs no shared server: it takes about as long as the rest.
OWN := tests/faults tests/cluster $(addprefix tests/integration/test_,bounded_views.py guided_views.py gpu_bench.py wheel.py)

test: $(READY) ## run all tests, in three rows beside each other: much of a server's start and end is waiting
	@nice -n 5 $(PY) -m pytest tests/unit > $(VENV)/unit.log 2>&1 & unit=$$!; \
	$(PY) -m pytest $(OWN) > $(VENV)/own.log 2>&1 & own=$$!; \
	trap "kill $$unit $$own 2>/dev/null" EXIT; failed=0; \
	$(PY) -m pytest tests --ignore tests/unit $(OWN:%=--ignore %) || failed=1; \
	wait $$own || failed=1; echo "$(OWN):"; cat $(VENV)/own.log; \
	wait $$unit || failed=1; echo "tests/unit:"; cat $(VENV)/unit.log; exit $$failed

contract: $(READY) ## let schemathesis ask a real server for 20 minutes; `make test` does so for 15 seconds
	@CONTRACT_SECONDS=1200 $(PY) -m pytest tests/integration/security/test_api_contract.py

test-unit: $(READY) ## run the tests that need neither Ray nor Blender
	@$(PY) -m pytest tests/unit

likeness: $(READY) ## compare every look of every format with Blender's own import of it (3 minutes)
	@RENDER_LIKENESS_FULL=1 $(PY) -m pytest tests/integration/test_templates.py -k look_as_blenders_own

test-cluster: $(READY) ## real Ray nodes in network namespaces: kill them, cut them off, add one, start the head again (root; 15 minutes)
	@RENDER_CLUSTER_FULL=1 $(PY) -m pytest tests/cluster

faults: $(READY) ## kill, stop and starve a real server's parts, 50 rounds each (an hour), and count what is lost
	@RENDER_FAULTS_FULL=1 $(PY) -m pytest tests/faults -s

bench: $(READY) ## measure speed and quality against the stock procedure (BENCH="--quick" for a short run)
	@$(PY) -m bench $(BENCH)

quality: $(READY) ## measure the error and the cost of every quality on CADs of many kinds (QUALITY="--quick" for a short run)
	@$(PY) -m bench.quality_set $(QUALITY)

bench-queue: $(READY) ## measure what a full queue costs: /health, refusals, cancels (BENCH="--jobs 10000" for a longer one)
	@$(PY) -m bench.full_queue $(BENCH)

bench-scale: $(READY) ## measure what one ingress carries, with stub renderers (BENCH="--quick" for a short run)
	@$(PY) -m bench.scale $(BENCH)

bench-autoscaling: $(READY) ## record how renderers come and go with bursts of jobs, with stub renderers (BENCH="--picture docs/autoscaling.svg")
	@$(PY) -m bench.autoscaling $(BENCH)

bench-events: $(READY) ## measure what a thousand clients cost that listen to events, with stub renderers (BENCH="--listeners 100")
	@$(PY) -m bench.event_streams $(BENCH)

bench-wire: $(READY) ## measure the memory that large uploads cost, and clients that listen and read nothing, with stub renderers
	@$(PY) -m bench.wire_memory $(BENCH)

bench-gpu: $(READY) ## measure what a GPU makes of it: devices, views a second, share of Cycles (BENCH="--device cpu" to try it without one)
	@$(PY) -m bench.gpu $(BENCH)

lint: $(READY) ## ruff and mypy
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy

format: $(READY) ## let ruff format and mend the code
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

LOCK := uv pip compile pyproject.toml --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet
lock: ## resolve pyproject.toml into requirements.lock, and without the tests' packages into requirements.production.lock (needs uv)
	$(LOCK) --extra dev --output-file requirements.lock
	$(LOCK) --constraint requirements.lock --output-file requirements.production.lock

wheel: $(READY) ## build the wheel into dist/; it holds the configs and the examples
	@rm -rf build && $(PY) -m build --no-isolation . > $(VENV)/build.log 2>&1 || { cat $(VENV)/build.log; exit 1; }; ls dist/*.whl

docs: $(READY) ## build the documentation into site/; a warning is an error
	@# Not --quiet: it hides warnings from --strict, too.
	@NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict > $(VENV)/docs.log 2>&1 || { cat $(VENV)/docs.log; exit 1; }; echo site/index.html

reference: $(READY) ## make the reference pages of the documentation from the code again
	@$(PY) -m tools.reference

examples: $(READY) ## make the CADs in examples/ again
	@$(PY) -m examples.make_examples

converged: $(READY) ## render again what the tests hold the images against: only where these are meant to change
	@$(PY) -m tests.data.make_converged examples/knot.ply tests/data/converged/knot
	@$(PY) -m tests.data.make_converged examples/crate.obj tests/data/converged/crate

clean: ## remove what a run leaves here, but not .venv
	rm -rf data logs output site dist build .pytest_cache .mypy_cache .ruff_cache
