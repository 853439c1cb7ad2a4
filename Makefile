# `make demo` shows the phenomenon on this machine; `make test` tests everything. Inside is plain Snakemake.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA ?=
CORES ?= all
WORKERS ?= auto
OPTIONS ?=
RUNS ?=
comma := ,
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint requirements.lock

.PHONY: help demo published test test-all sweep test-cluster lint bench validation notebook lock install install-test

help: ## this list
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 15

demo: install ## train the pocket suite, run the demo study, say where the report is (about five minutes on two cores)
	$(BIN)/snakemake --cores $(CORES) --configfile studies/demo.yaml
	@if [ -t 0 ] && { [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ] || [ "$$(uname)" = Darwin ]; }; then \
	  printf 'Open the report now? [y/N] '; read answer; \
	  case "$$answer" in [yY]*) $(BIN)/python -m webbrowser "file://$(CURDIR)/results/demo/report.html";; esac; fi

published: install ## the paper's published accuracies: DATA=folder that holds them, or fetched without it
	$(BIN)/snakemake --cores $(CORES) --configfile studies/published.yaml $(if $(DATA),--config 'import={format: published$(comma) path: $(DATA)}')

PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS) --maxprocesses 8 --dist loadfile --no-loadscope-reorder

test: install-test ## what tells in minutes whether a change is right, a file of tests at a time on each core
	$(PYTEST) $(OPTIONS)

test-all: install-test ## the long ones too: the demo whole, every accident; all but the cluster and the sweep
	$(PYTEST) -m "not sweep" $(OPTIONS)

sweep: install-test ## score every architecture of transformers in two types against plain passes (half an hour)
	$(PYTEST) -m sweep tests/oracle/test_architectures.py $(OPTIONS)

test-cluster: install-test ## the demo, and every accident, on a real Slurm started here (Debian, root; about 20 minutes)
	$(BIN)/python -m pytest tests/cluster

bench: install-test ## how fast, against the evaluation harness
	$(BIN)/python benchmarks/scoring.py $(if $(DATA),--data $(DATA))
	$(BIN)/python benchmarks/harness.py $(if $(DATA),--data $(DATA))

validation: install ## simulated error rates and power into the docs (an hour; RUNS=100: minutes; TABLES= names some)
	$(BIN)/python -m trajectories.analysis.validation $(TABLES) $(if $(RUNS),--runs $(RUNS))

lint: install-test ## style, types, the workflow's own lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/mypy -p trajectories
	$(BIN)/snakemake --lint
	$(BIN)/snakemake --lint --configfile studies/demo.yaml

install: $(VENV)/installed ## what running needs
install-test: $(VENV)/installed-test ## what running and testing need

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml requirements.lock | $(VENV)/bin/python
	$(PIP) --editable .
	@touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(PIP) --editable '.[test,harness,slurm,cluster,kubernetes]'
	@! command -v npm >/dev/null || npm ci --prefix tests/workflow --silent --no-audit --no-fund  # accessibility rules
	@touch $@

notebook: install-test ## docs/tutorial.ipynb from docs/tutorial.md
	$(BIN)/python tests/support/tutorial.py

lock: ## write requirements.lock from what pyproject.toml asks for, in a fresh environment
	rm -rf $(VENV)-lock && $(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet --editable '.[test,harness,slurm,cluster,kubernetes]'
	$(VENV)-lock/bin/python -m pip freeze --exclude-editable | sed 's/+cpu$$//' | grep -v -e '^nvidia-' -e '^triton==' > requirements.lock
	rm -rf $(VENV)-lock
