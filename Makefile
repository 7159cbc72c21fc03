# `make demo` shows a building and a street at work, `make test` runs all tests, `make fuzz` fuzzes the parsers, `make bench` compares
# our speed with that of other programs.  Each creates .venv first.  Nothing outside this folder is changed, except that make test may
# install Debian packages (tests/packages.sh).

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
KERNELS := $(wildcard native/quartier_native/*.pyx native/quartier_native/*.pxd native/quartier_native/*.h)

# Keep compiled modules: hundreds of processes import them.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: release deb lock package-test bench coverage days demo docs fuzz mutants quick scenarios soak storm street systemd test shape test-deep torture peers lint help clean wrap

help:
	@echo "make demo    a simulated building at work, then three behind one transformer, about five minutes; no root needed"
	@echo "make street  the three of the demo alone, slower and with a live page, about two minutes; PUBLIC=1 a fourth one"
	@echo "make quick   lint and the tests that your change can affect, at most three minutes; BASE=HEAD~1 compare with that commit, not origin/main"
	@echo "make test    ruff, mypy, structure rules and all tests; installs what they need; STAGES=\"lint modules\" runs these stages alone"
	@echo "make bench   compare our speed with that of other programs; ONLY=name one group, SHORT=1 some minutes, JSON=1 JSON output"
	@echo "make test-deep  tests without a daemon with twenty times the hypothesis examples, all days without wires, speed comparisons, a night; SEED=1"
	@echo "make mutants change operators at random and count how many a test near them detects, hours; SEED=1 COUNT=200"
	@echo "make fuzz    run a coverage-guided fuzzer on each parser; ONLY=name, SECONDS=60 each, or INPUTS=20000 SEED=1"
	@echo "make scenarios  every scenario of at most two hours over real wires, a day (two hours with JOBS=24); continues an earlier run; result in reports/verdicts.md; ONLY=name"
	@echo "make scenarios SHORT=1  those that CI runs, about six minutes; with or without SHORT: AGAIN=1 runs all again, RETRY=1 the failed ones, JOBS=2 two at once"
	@echo "make days    every scenario that needs no wires, in synthetic time; writes a page for each to days/; ONLY=name"
	@echo "make soak    a month of smart meter data through the drivers; checks that no group of values is lost unnoticed; DAYS=30"
	@echo "make storm   500 gateways with a day of history each come back at once, on mosquitto and on RabbitMQ with TLS, half an hour; BROKER=rabbitmq one of them, GATEWAYS=100 fewer"
	@echo "make torture check that no sample is lost under faults of wires and clock, a night; continues an earlier run; ONLY=name, SHORT=1, AGAIN=1"
	@echo "make systemd kill and freeze the daemon under its own systemd, in a namespace; needs root"
	@echo "make coverage  fail if the tests in tests/gateway/control miss a branch of control/; tests with hypothesis or marker long do not count"
	@echo "make deb     build dist/quartier_VERSION_amd64.deb for Debian 13, with the Python packages of requirements.lock"
	@echo "make release VERSION=0.1.0  dist/ with package, wheels, source distributions, parts list (CycloneDX), licences and SHA256SUMS"
	@echo "make package-test  install, upgrade and roll back that package under systemd in a Debian 13 of its own; minutes, needs root"
	@echo "make lock    write requirements.lock anew: versions and hashes of all packages that are used; UPGRADE=1 the newest ones"
	@echo "make peers   install the programs of other projects that the tests talk to"
	@echo "make docs    build the documentation site in build/site, without a network; fails at a warning"
	@echo "make wrap    wrap the prose of the pages at 100 characters"
	@echo "make shape   measure the code: sizes of modules and packages, names, docstrings, words of the pages, each with its target"
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

$(VENV)/.demo: $(VENV)/.python pyproject.toml hil/pyproject.toml setup.py $(KERNELS)
	@echo "Installing Quartier with its rig and compiling the kernels (a few minutes the first time)"
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --editable . --editable ./hil
	@touch $@

$(VENV)/.dev: $(VENV)/.python pyproject.toml hil/pyproject.toml setup.py $(KERNELS)
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --editable '.[dev]' --editable ./hil
	@touch $@ $(VENV)/.demo

# The Python of Debian 13, for which the package is.
DEBIAN_PYTHON ?= /usr/bin/python3.13
RELEASE := build/release-venv
RELEASE_BIN := $(RELEASE)/bin

$(RELEASE)/.ready: requirements.lock
	@$(DEBIAN_PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(DEBIAN_PYTHON) with venv is missing: apt-get install python3.13-venv python3.13-dev"; exit 1; }
	$(DEBIAN_PYTHON) -m venv $(RELEASE)
	sed -nE 's/^([A-Za-z0-9_.-]+==[^\\]*).*/\1/p' requirements.lock > build/constraints.txt
	$(RELEASE_BIN)/python -m pip install --quiet --constraint build/constraints.txt argparse-manpage shtab build cyclonedx-python-lib
	@touch $@

deb: $(RELEASE)/.ready
	@command -v dh >/dev/null || { echo "debhelper is missing: apt-get install debhelper"; exit 1; }
	rm -rf build/wheels
	PIP_CONSTRAINT=build/constraints.txt $(RELEASE_BIN)/python -m pip wheel --quiet --no-deps --wheel-dir build/wheels .
	$(RELEASE_BIN)/python systemd/debian/build.py --wheel build/wheels/quartier-*.whl

# All files of a release in dist/. The version is stated in two places, and CHANGELOG must have a section for it.
release: $(RELEASE)/.ready
	@test -n "$(VERSION)" || { echo "which version? make release VERSION=0.1.0"; exit 2; }
	@grep -q '^version = "$(VERSION)"$$' pyproject.toml || { echo "pyproject.toml: version is not $(VERSION)"; exit 1; }
	@grep -q '^version = "$(VERSION)"$$' hil/pyproject.toml || { echo "hil/pyproject.toml: version is not $(VERSION)"; exit 1; }
	@grep -q '^## $(VERSION)' CHANGELOG.md || { echo "CHANGELOG.md: has no section $(VERSION)"; exit 1; }
	@test -z "$$(git status --porcelain)" || { echo "the tree has changes that no commit holds: git status"; exit 1; }
	rm -rf dist
	$(MAKE) --no-print-directory deb
	PIP_CONSTRAINT=build/constraints.txt $(RELEASE_BIN)/python -m build --sdist --outdir dist .
	PIP_CONSTRAINT=build/constraints.txt $(RELEASE_BIN)/python -m build --outdir dist hil
	cp build/wheels/quartier-*.whl dist/
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(RELEASE_BIN)/python systemd/debian/release_files.py \
	  --wheelhouse build/wheelhouse/amd64 --dist dist
	@ls -l dist

build/debian13.tar:
	@command -v mmdebstrap >/dev/null || { echo "mmdebstrap is missing: apt-get install mmdebstrap"; exit 1; }
	mkdir -p build
	mmdebstrap --quiet --variant=minbase --include=systemd,systemd-sysv,python3,procps trixie $@

package-test: deb build/debian13.tar $(VENV)/.dev
	QUARTIER_PACKAGE=$$(ls $(CURDIR)/dist/quartier_*_amd64.deb | tail -n 1) QUARTIER_DEBIAN=$(CURDIR)/build/debian13.tar \
	  $(BIN)/python -m pytest tests/systemd/test_package.py

lock: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet 'uv>=0.9,<1'
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-package quartier $(if $(UPGRADE),--upgrade) pyproject.toml hil/pyproject.toml \
	  $(addprefix --extra ,opcua gpio dev release fuzz mutants) --output-file requirements.lock

demo: $(VENV)/.demo
	$(BIN)/quartier-hil demo

street: $(VENV)/.demo
	$(BIN)/quartier-hil street $(if $(PUBLIC),--public)

# With JSON=1 stdout is JSON alone: the output of the set-up goes to stderr.
bench:
	@$(MAKE) --no-print-directory $(VENV)/.demo >&2
	@$(BIN)/quartier-hil bench $(if $(ONLY),--only $(ONLY)) $(if $(SHORT),--short) $(if $(JSON),--json)

# All stages, then their cost; STAGES="lint modules" runs these alone.
test:
	@PYTHON=$(PYTHON) $(PYTHON) tests/run.py $(STAGES)

# Lint and the tests that a change can affect, nearest first, at most three minutes.
quick: $(VENV)/.dev
	@$(BIN)/python tests/affected.py $(if $(BASE),--base $(BASE))

# The tests without a daemon with twenty times the hypothesis examples, all days without wires, then the speed comparisons.
test-deep: $(VENV)/.dev peers
	HYPOTHESIS_PROFILE=deep $(BIN)/python -m pytest --numprocesses auto --dist loadfile --hypothesis-seed=$(or $(SEED),1) -m "not daemon and not measurement"
	$(BIN)/quartier-hil day all --report days
	$(BIN)/quartier-hil bench --fetch
	$(BIN)/python -m pytest -m measurement

# Change operators at random; count how many changes a test near them detects.
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

# Sessions of the gateway's own code and ten whole daemons; the host is killed once, and one of RabbitMQ's nodes.
storm: $(VENV)/.demo
	$(if $(filter rabbitmq,$(BROKER)),,$(BIN)/quartier-hil storm $(GATEWAYS))
	$(if $(filter mosquitto,$(BROKER)),,$(BIN)/quartier-hil storm $(GATEWAYS) --broker rabbitmq --tls)

torture: $(VENV)/.demo
	$(BIN)/quartier-hil torture $(if $(ONLY),--only $(ONLY)) $(if $(SHORT),--short) $(if $(AGAIN),--again) $(if $(SEED),--seed $(SEED))

systemd: $(VENV)/.demo
	$(BIN)/quartier drill --simulated --systemd --report drill/systemd

# Fails when a branch of control/ is not covered; tests with hypothesis do not count, because they differ from run to run.
# tests/shape.py --list WORDS names the places behind a measure.
shape: $(VENV)/.dev
	@$(BIN)/python -m tests.shape

coverage: $(VENV)/.dev
	$(BIN)/python tests/run.py control

# Programs of other projects that the tests talk to.
peers:
	PYTHON=$(PYTHON) sh tests/peers/install.sh

# Needs no network: fonts, scripts and the search index are part of the site.
docs: $(VENV)/.dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "Open build/site/index.html"

# Tables, code and generated pages stay as they are.
wrap: $(VENV)/.dev
	$(BIN)/python gateway/docs/mkdocs/wrap.py

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) .bench build demo days reports street native/quartier_native/*.so native/quartier_native/*.c
