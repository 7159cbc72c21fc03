# `make demo` shows a building and a street at work, `make test` proves that the house stands, `make fuzz` attacks its parsers,
# `make bench` measures it beside its peers.  All do their own set-up in .venv; nothing outside this folder is touched (make test may
# install Debian packages, see tests/packages.sh).

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
KERNELS := $(wildcard native/quartier_native/*.pyx native/quartier_native/*.pxd native/quartier_native/*.h)

# Hundreds of processes load our modules, each stage the tests: compiled once, not in each of them.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: bench coverage days demo fuzz mutants quick scenarios soak street systemd test test-deep torture peers lint help clean

help:
	@echo "make demo    a simulated building at work, then three behind one transformer, about three minutes; no root needed"
	@echo "make street  the three of the demo alone, slower and with a live page, about two minutes; PUBLIC=1 a fourth one"
	@echo "make test    ruff, mypy, house rules and all tests; installs what the tests need"
	@echo "make bench   figures beside those of peers; ONLY=name one group, SHORT=1 minutes, JSON=1 for machines"
	@echo "make quick   lint and the tests that your change can affect, at most three minutes; BASE=origin/main"
	@echo "make test-deep  the tests with twenty times the examples, SEED=1, and the figures beside those of peers; a night"
	@echo "make mutants 200 changed operators, each to be caught by a test near it; SEED=1 COUNT=200"
	@echo "make fuzz    each parser against what a coverage-guided fuzzer finds; ONLY=name, SECONDS=60 each, or INPUTS=20000 SEED=1"
	@echo "make scenarios  every scenario of at most two hours over real wires, a day, JOBS=24 some two hours; goes on where it was left; reports/verdicts.md; ONLY=name"
	@echo "make scenarios SHORT=1  those that CI runs, about six minutes; goes on where it was left, as the long one: AGAIN=1 all, RETRY=1 what broke, JOBS=2"
	@echo "make days    every scenario that needs no wires, with synthetic time, a page for each in days/; ONLY=name"
	@echo "make soak    a month of smart meters through their drivers, every group accounted for; DAYS=30"
	@echo "make torture the loss contract under every fault of the wire, a night; goes on where it was left; ONLY=name, SHORT=1, AGAIN=1"
	@echo "make systemd the daemon killed and frozen under a systemd of its own, in a namespace; needs root"
	@echo "make coverage  each branch of control/ taken by a test of its room, chance and long walks aside; else it fails"
	@echo "make lint    ruff and mypy alone"
	@echo "make clean   remove what was built"

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo "Quartier needs Python 3.11 to 3.13; $(PYTHON) is $$($(PYTHON) -V 2>&1). Try: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) has no venv. On Debian: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	@touch $@

$(VENV)/.demo: $(VENV)/.python pyproject.toml setup.py $(KERNELS)
	@echo "Installing Quartier with its rig and compiling the kernels (a few minutes the first time)"
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --editable '.[hil]'
	@touch $@

$(VENV)/.dev: $(VENV)/.python pyproject.toml setup.py $(KERNELS)
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --editable '.[hil,dev]'
	@touch $@ $(VENV)/.demo

demo: $(VENV)/.demo
	$(BIN)/quartier-hil demo

street: $(VENV)/.demo
	$(BIN)/quartier-hil street $(if $(PUBLIC),--public)

# With JSON=1 stdout is JSON alone: what the set-up says goes to stderr.
bench:
	@$(MAKE) --no-print-directory $(VENV)/.demo >&2
	@$(BIN)/quartier-hil bench $(if $(ONLY),--only $(ONLY)) $(if $(SHORT),--short) $(if $(JSON),--json)

# Each stage with its cost; STAGES="lint modules" runs these alone.
test:
	@PYTHON=$(PYTHON) $(PYTHON) tests/run.py $(STAGES)

# Lint and the tests that a change can affect, nearest first, at most three minutes.
quick: $(VENV)/.dev
	@$(BIN)/python tests/affected.py $(if $(BASE),--base $(BASE))

# The same tests with twenty times the examples, every day without wires, and the figures beside those of peers.
test-deep: $(VENV)/.dev peers
	HYPOTHESIS_PROFILE=deep $(BIN)/python -m pytest --numprocesses auto --dist loadfile --hypothesis-seed=$(or $(SEED),1) -m "not scenario and not measurement"
	$(BIN)/quartier-hil bench --fetch
	$(BIN)/python -m pytest -m measurement

# Whether a test near a randomly changed operator fails.
mutants: $(VENV)/.dev
	@$(BIN)/python -c 'import cosmic_ray' 2>/dev/null || $(BIN)/python -m pip install --quiet --editable '.[mutants]'
	$(BIN)/python tests/mutants.py $(if $(SEED),--seed $(SEED)) $(if $(COUNT),--count $(COUNT))

fuzz: $(VENV)/.dev
	@$(BIN)/python -c 'import atheris' 2>/dev/null || $(BIN)/python -m pip install --quiet --editable '.[fuzz]'
	$(BIN)/python tests/fuzz/fuzz.py $(if $(SECONDS),--seconds $(SECONDS)) $(if $(INPUTS),--inputs $(INPUTS)) $(if $(SEED),--seed $(SEED)) $(ONLY)

days: $(VENV)/.demo
	$(BIN)/quartier-hil day $(if $(ONLY),$(ONLY),all) --report days

scenarios: $(VENV)/.demo
	$(BIN)/quartier-hil run $(or $(ONLY),$(if $(SHORT),short,all)) --report reports --quiet $(if $(JOBS),--jobs $(JOBS)) $(if $(AGAIN),--again) $(if $(RETRY),--retry)

soak: $(VENV)/.demo
	$(BIN)/quartier-hil soak $(if $(DAYS),--days $(DAYS))

torture: $(VENV)/.demo
	$(BIN)/quartier-hil torture $(if $(ONLY),--only $(ONLY)) $(if $(SHORT),--short) $(if $(AGAIN),--again) $(if $(SEED),--seed $(SEED))

systemd: $(VENV)/.demo
	$(BIN)/quartier drill --simulated --systemd --report drill/systemd

# Each branch of control/ taken by a test of its own; what hypothesis draws differs from run to run and does not count.
coverage: $(VENV)/.dev
	$(BIN)/python tests/run.py control

# Programs of other stacks that the tests talk to.
peers:
	PYTHON=$(PYTHON) sh tests/peers/install.sh

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) .bench build demo days reports street native/quartier_native/*.so native/quartier_native/*.c
