# Two commands matter: `make book` and `make test`. `make help` lists the rest.

PYTHON ?= python3
VENV ?= .venv
PORT ?= 8000
# TORCH_INDEX: a package index that holds the CPU build of torch (see README.md); empty: the default index.
TORCH_INDEX ?=
ifeq ($(origin JOBS),undefined)
JOBS := $(shell nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 2)
endif

# What the user gives is data, whatever characters it holds: make expands nothing in it, and a recipe
# takes it from the environment ("$$NAME"), so that no shell reads it as a command.
GIVEN = NAME PARAMS DATA MEASURE REV SEED SHARE JOBS TORCH_INDEX PORT VENV PYTHON QUICK FULL FAST UPGRADE
$(foreach name,$(GIVEN),$(if $(filter-out undefined,$(origin $(name))),$(eval override export $(name) := $$(value $(name)))))

# make itself makes targets and commands of this one, where no quote would help.
define UNFIT
' " ` $$ ; : # % & | < > ( ) * ? [ ] { } \ ! = ~
endef
ifneq ($(if $(VENV),$(words x$(VENV)x))$(strip $(foreach sign,$(UNFIT),$(findstring $(sign),$(VENV))))$(filter -% +% @%,$(VENV)),1)
$(error VENV is the folder of the environment: a path without spaces, quotes and other signs that a shell reads, such as VENV=.venv)
endif

BIN = $(VENV)/bin
# What the book needs is installed by itself; tests and layout need more.
STAMP = $(VENV)/.installed
TESTS = $(VENV)/.installed-test
# Many machines: the address or the file of a scheduler in the place of a number needs an extra.
RUNS = $(if $(findstring :,$(JOBS))$(findstring .,$(JOBS)),$(TESTS),$(STAMP))
HTML = book/_build/html
RELEASE = book/_build/release
FEW = tests simlib -m "not browser and not slow"
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n "$$JOBS" --dist loadfile
SIZE = --jobs "$$JOBS" $(if $(QUICK),--quick) $(if $(FULL),--full)
# `exec`: each takes the place of its shell, so that it sees when make is gone.
CARDS = exec $(BIN)/python book/measure_cards.py $(SIZE)
EXECUTE = exec $(BIN)/python book/execute.py $(SIZE) $(if $(DATA),--data="$$DATA")

# Sphinx copies styles and scripts only along with pages: when they changed, all pages are written again.
ALL = $(if $(shell find book/_static book/_ext book/_templates -type f -not -name '*.pyc' -newer $(HTML)/intro.html 2>/dev/null),--all)

.DEFAULT_GOAL := help
.PHONY: help setup book html notebooks figure cards card store test lint bench bench-compare serve clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | awk -F'|' '{ printf "%-22s%s\n", $$1, $$2 }'
	@echo 'Options: QUICK=1 (minutes, smaller runs), FAST=1 (tests: minutes), DATA=recording.npz (your own data), JOBS=4 (processes, or tcp://... of a Dask scheduler),'
	@echo '         PYTHON=python3.12, TORCH_INDEX=... (where a CPU build of torch lies; README.md says when)'

setup: $(STAMP) ## make the environment of the book in .venv, from the lock; `make test` adds the rest

define VERSION
import sys
found = f"{sys.executable} is {sys.version.split()[0]}"
old = f"simlib needs Python 3.11 or newer; {found}. Name another one: make PYTHON=python3.12 ..."
sys.exit(sys.version_info < (3, 11) and old)
endef
export VERSION

# An environment that was left half made is made anew.
$(BIN)/python:
	@command -v "$$PYTHON" >/dev/null || { echo 'PYTHON names no program on this machine; such as: make PYTHON=python3.12 ...'; exit 2; }
	@"$$PYTHON" -c "$$VERSION"
	@"$$PYTHON" -m venv $(VENV)

$(STAMP): constraints.txt pyproject.toml book/install.py | $(BIN)/python
	@echo "Installing what the book needs into $(VENV): a few minutes the first time"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || "$$PYTHON" -m venv $(VENV)
	@$(BIN)/python book/install.py book
	@touch $@

$(TESTS): $(STAMP)
	@echo "Installing what the tests add"
	@$(BIN)/python book/install.py test
	@touch $@

.PHONY: lock
lock: ## resolve the versions again and write them with their hashes (needs uv; UPGRADE=1: the newest)
	@"$$PYTHON" book/lock.py $(if $(UPGRADE),--upgrade)

book: notebooks $(if $(DATA),,cards) html ## execute what is out of date, build the book, say where it lies
	@echo
	@echo "The book lies at $$PWD/$(HTML)/index.html"
	@echo "Open that file in a browser, or serve it: make serve (then http://localhost:$$PORT)"

notebooks: $(RUNS) ## execute the figure notebooks that are out of date
	@$(EXECUTE)

figure: $(RUNS) ## execute one notebook: make figure NAME=joint_score_ranges PARAMS="-p measures=cka,nbs"
	@test -n "$$NAME" || { echo 'Which one? make figure NAME=joint_score_ranges (the others: ls notebooks)'; exit 2; }
	@$(EXECUTE) $(if $(PARAMS),--params="$$PARAMS") -- "$$NAME"

cards: $(RUNS) ## write the cards of all measures that are out of date
	@$(CARDS)

card: $(RUNS) ## the card of one measure: make card MEASURE=path.py:my_score (FULL=1: every section)
	@test -n "$$MEASURE" || { echo 'Which one? make card MEASURE=path.py:my_score, or an id: make card MEASURE=rsa FULL=1'; exit 2; }
	@$(CARDS) -- "$$MEASURE"

# A failed build is removed: the next one would not repeat the warnings of pages it thinks are done.
html: $(STAMP) ## build the book from the executed notebooks
	@$(BIN)/python book/prepare.py
	@$(BIN)/jupyter-book build book $(ALL) --quiet -W -n --keep-going || { rm -rf book/_build; exit 1; }

test: $(TESTS) ## run every test; the browser ones need chromium (FAST=1: minutes, without notebooks and browser)
	@$(PYTEST) $(if $(FAST),$(FEW))

# In an environment of its own, which stays.
define WITH
	@"$$PYTHON" -c "$$VERSION"
	@.venv-$(1)/bin/python -m pip --version >/dev/null 2>&1 || "$$PYTHON" -m venv .venv-$(1)
	@.venv-$(1)/bin/python book/install.py $(1)
	@SIMLIB_LOCK=$(1) OMP_NUM_THREADS=1 .venv-$(1)/bin/python -m pytest -n "$$JOBS" --dist loadfile $(FEW)
endef

.PHONY: test-oldest
test-oldest: ## the fast tests with the lowest versions that pyproject.toml allows
	$(call WITH,oldest)

.PHONY: test-newest
test-newest: ## the fast tests with the newest versions that pyproject.toml allows
	$(call WITH,newest)

# The checker of scripts, a program of its own in an npm package for each kind of machine: its versions and checksums
# stand in tests/biome.sha256.
MACHINE = $(shell uname -sm | sed 's/Darwin/darwin/; s/Linux/linux/; s/aarch64/arm64/; s/x86_64/x64/; s/ /-/')
BIOME_PACKAGE = $(shell grep -o 'biomejs-cli-$(MACHINE)-.*' tests/biome.sha256)
BIOME = $(BIN)/biome

lint: $(TESTS) ## layout and lint of every file, with the pinned ruff and, where npm is, biome
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . || \
	  { echo 'To mend it: $(BIN)/ruff format . && $(BIN)/ruff check --fix . (what then remains, by hand)'; exit 1; }
	@test -x $(BIOME) || ! command -v npm >/dev/null || $(MAKE) --no-print-directory $(BIOME)
	@test -x $(BIOME) || { echo 'The scripts in JavaScript were not checked: that needs npm'; exit 0; } && \
	  { $(BIOME) check --error-on-warnings . || { echo 'To mend it: $(BIOME) check --fix .'; exit 1; }; }

$(BIOME): tests/biome.sha256 | $(STAMP)
	@test -n "$(BIOME_PACKAGE)" || { echo 'tests/biome.sha256 has no biome for $(MACHINE)'; exit 1; }
	@cd $(VENV) && npm pack --silent $$(echo $(BIOME_PACKAGE:.tgz=) | sed -E 's/biomejs-(.*)-([0-9.]+)$$/@biomejs\/\1@\2/') >/dev/null
	@cd $(VENV) && grep '$(BIOME_PACKAGE)' $(CURDIR)/tests/biome.sha256 | sha256sum --check --quiet
	@tar -xzf $(VENV)/$(BIOME_PACKAGE) -C $(BIN) --strip-components 1 package/biome && touch $@

# Where the recordings are kept, and what to do without a network, is said by the message.
define FETCH
import sys
from simlib import datasets
try:
    print(datasets.download(sys.argv[1]))
except (OSError, ValueError) as error:
    sys.exit(str(error))
endef
export FETCH

.PHONY: data
data: $(STAMP) ## download a recording of the paper: make data NAME=mante2013 (dyer2017: small, for everyone)
	@test -n "$$NAME" || { echo 'Which one? make data NAME=mante2013 (the others: book/datasets.md)'; exit 2; }
	@$(BIN)/python -c "$$FETCH" "$$NAME"

# Without the tables the page is made all the same, and says so.
define TABLES
from simlib.datasets import paper
try:
    paper.download_published()
except FileNotFoundError as error:
    print(error)
endef
export TABLES

.PHONY: scorecard
scorecard: $(RUNS) ## published against reproduced: fetch the tables, execute that page
	@$(BIN)/python -c "$$TABLES"
	@$(EXECUTE) published_vs_reproduced --force

.PHONY: readme
readme: $(STAMP) ## the picture and the numbers of README.md, from the runs of the first figure
	@$(BIN)/python book/readme.py

.PHONY: verify
verify: $(STAMP) ## compute a tenth of the stored results again and compare: make verify SEED=1 SHARE=0.5
	@SIMLIB_RESULTS="$${SIMLIB_RESULTS:-results}" $(BIN)/python -m simlib verify $(if $(SHARE),--share="$$SHARE") $(if $(SEED),--seed="$$SEED")

store: $(STAMP) ## refresh the stored text outputs of the notebooks' check cells
	@$(BIN)/python book/store.py

bench: $(TESTS) ## time and memory against plain implementations: the tables and the picture of the book
	@$(BIN)/python benchmarks/bench.py

bench-compare: $(TESTS) ## speed of this checkout against another revision: make bench-compare REV=main
	@test -n "$$REV" || { echo 'Which one? make bench-compare REV=main'; exit 2; }
	@$(BIN)/python benchmarks/compare.py -- "$$REV"

# The accessibility checker, an npm package: its version and checksum stand in tests/axe-core.sha256.
AXE = $(VENV)/$(shell cut -c 67- tests/axe-core.sha256)

.PHONY: checker
checker: $(AXE) ## fetch what tests the pages for accessibility (needs npm; nothing else does)

$(AXE): tests/axe-core.sha256 | $(BIN)/python
	@cd $(VENV) && npm pack --silent $(subst axe-core-,axe-core@,$(notdir $(@:.tgz=))) >/dev/null
	@touch $@

.PHONY: test-book
test-book: $(TESTS) ## the browser tests alone, on the built book
	@$(PYTEST) tests/test_book*.py

.PHONY: pdf
pdf: $(TESTS) ## the whole book as one PDF, from the executed notebooks (needs chromium)
	@$(BIN)/python book/prepare.py
	@$(BIN)/python book/one_file.py

.PHONY: archive
archive: $(STAMP) ## what a release attaches: the built book, its PDF, the wheel, their checksums
	@rm -rf $(RELEASE) && mkdir -p $(RELEASE)
	@tar --create --gzip --file $(RELEASE)/book-html.tar.gz --directory $(HTML) .
	@cp book/_build/*.pdf $(RELEASE)
	@$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir $(RELEASE) .
	@cd $(RELEASE) && sha256sum * > SHA256SUMS

.PHONY: launch
launch: $(STAMP) ## copies of the notebooks that run from an empty folder, for Colab and Binder
	@$(BIN)/python book/launch.py book/_build/launch

serve: ## serve the built book on this machine
	@"$(if $(wildcard $(BIN)/python),$(BIN)/python,$$PYTHON)" -m http.server "$$PORT" --directory $(HTML)

clean: ## remove the built book and the executed notebooks (results and .venv stay)
	rm -rf book/_build book/_vendor book/_failed book/figures book/cards book/api book/_generated
