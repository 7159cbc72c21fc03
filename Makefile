# `make demo` shows a building and a street at work, `make test` proves that the house stands, `make fuzz` attacks its parsers,
# `make bench` measures it beside its peers.  All do their own set-up in .venv; nothing outside this folder is touched (make test may
# install Debian packages, see tests/packages.sh).

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
KERNELS := $(wildcard native/quartier_native/*.pyx native/quartier_native/*.pxd native/quartier_native/*.h)

# What judges the branches of control/: neither what chance draws, nor long walks.
PLAIN   := control and not hypothesis and not long

# Hundreds of processes load our modules, each stage the tests: compiled once, not in each of them.
unexport PYTHONDONTWRITEBYTECODE

# Who waits for real time uses a quarter of a processor: two at a time on each of them.  What promises a reaction in time
# has three on two of them, what measures has one to itself.
PROCESSORS := $(shell getconf _NPROCESSORS_ONLN)
WAITING    := $(shell expr 2 \* $(PROCESSORS))
PROMISING  := $(shell expr 3 \* $(PROCESSORS) / 2)

.DEFAULT_GOAL := help
.PHONY: bench coverage days demo fuzz scenarios soak street systemd test torture peers lint help clean

help:
	@echo "make demo    a simulated building at work, then three behind one transformer, about three minutes; no root needed"
	@echo "make street  the three of the demo alone, slower and with a live page, about two minutes; PUBLIC=1 a fourth one"
	@echo "make test    ruff, mypy, house rules and all tests; installs what the tests need"
	@echo "make bench   figures beside those of peers; ONLY=name one group, SHORT=1 minutes, JSON=1 for machines"
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

test:
	PYTHON=$(PYTHON) bash tests/packages.sh
	@$(MAKE) --no-print-directory --jobs 2 peers lint
	@rm -f reports/ci/unsteady.txt
	bash tests/stage.sh --numprocesses auto --dist loadfile -m "not alone and not scenario and not ($(PLAIN))"
	@$(MAKE) --no-print-directory coverage
	bash tests/stage.sh --numprocesses $(WAITING) --dist worksteal -m "scenario and not alone"
	@$(BIN)/quartier-hil bench --fetch & \
	  $(BIN)/quartier-hil run short --report reports/ci --quiet --jobs $(PROMISING) --again --junit reports/ci/verdicts.xml; \
	  code=$$?; wait; exit $$code
	bash tests/stage.sh --numprocesses auto -m "alone and scenario"
	bash tests/stage.sh -m "alone and not scenario"
	@test ! -e reports/ci/unsteady.txt || { echo "Every test held, these only at a second look, alone:"; cat reports/ci/unsteady.txt; }

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

# What hypothesis draws differs from run to run: a branch that it alone takes is not covered.
coverage: $(VENV)/.dev
	$(BIN)/python -m pytest --numprocesses auto --quiet tests/gateway/control -m "$(PLAIN)" --cov --cov-report=term

# Programs of other stacks that the tests talk to.
peers:
	PYTHON=$(PYTHON) sh tests/peers/install.sh

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) .bench build demo days reports street native/quartier_native/*.so native/quartier_native/*.c
