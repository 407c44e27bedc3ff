# Everything from a bare clone: each target first installs what it needs into .venv, once. demo needs the plain
# installation, test and lint all of it, docs the extra of that name.
#
# Variables:
#   PYTHON     the interpreter .venv is made with            (make setup PYTHON=python3.12)
#   PIP_FLAGS  more options for pip, such as another index   (make demo PIP_FLAGS="--extra-index-url ...")
#   TEST_FLAGS more options for pytest                       (make test TEST_FLAGS="-x tests/test_grid.py")
#   TEST_JOBS  processes that run the tests side by side     (make test TEST_JOBS=4)

PYTHON ?= python3
PIP_FLAGS ?=
TEST_FLAGS ?=
TEST_JOBS ?= 2

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
SAMPLE := out/sample.mp4

# When each was installed last. One of them may be there without the others; all of it is the others too.
LEAN := $(VENV)/.lean
WITH_DOCS := $(VENV)/.docs
EVERYTHING := $(VENV)/.everything

# Shell text that installs the package with $(1), its extras between brackets or nothing, and says how long it took.
INSTALL = start=$$(date +%s); \
		$(PIP) install -q -c constraints.txt $(PIP_FLAGS) -e '.$(1)' && \
		echo "setup: that took $$(($$(date +%s) - start)) s, $(VENV) has $$(du -sm $(VENV) | cut -f 1) MB now"

# Shell text that sets $$as_root to what must stand before a command to run it as root, and fails where nothing will do.
CAN_APT := command -v apt-get >/dev/null && { \
		if [ "$$(id -u)" = 0 ]; then as_root=; \
		else as_root='sudo -n'; sudo -n true 2>/dev/null; fi; }

# Shell text that installs $$package; the lists of packages are fetched only when they are missing or too old.
APT_INSTALL := { export DEBIAN_FRONTEND=noninteractive; \
		$$as_root apt-get install -y -q --no-install-recommends $$package >/dev/null 2>&1 \
		|| { $$as_root apt-get update -q >/dev/null \
		&& $$as_root apt-get install -y -q --no-install-recommends $$package >/dev/null; }; }

.DEFAULT_GOAL := help
.PHONY: help setup system browser demo test quick lint docs clean

help:  ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' Makefile

setup: $(EVERYTHING) system  ## install everything into .venv

demo: $(LEAN) system $(SAMPLE)  ## draw a sample clip and compose music for it, in out/
	@echo "demo: composing for $(SAMPLE)"
	@$(BIN)/cmt generate $(SAMPLE) --genre pop --control 0.7 --seed 7 --overwrite -o out/demo
	@echo 'demo: you should see "E:major" and "3 of 3 cuts on the grid" above'
	@echo "demo: play out/demo/sample.mp4, the clip with its music ($(SAMPLE) is the silent one); beside it lie"
	@ls out/demo

test: lint browser  ## check the code and run all tests
	@echo "test: pytest"
	@$(BIN)/python -m pytest -q -n $(TEST_JOBS) $(TEST_FLAGS)

quick: lint  ## check the code and run the tests that take no time
	@echo "quick: pytest"
	@$(BIN)/python -m pytest -q -n $(TEST_JOBS) -m 'not slow' $(TEST_FLAGS)

lint: setup  ## check the code with ruff and mypy
	@echo "lint: ruff"
	@$(BIN)/ruff check -q .
	@echo "lint: mypy"
	@$(BIN)/mypy

docs: $(WITH_DOCS)  ## build the documentation as web pages, in out/docs
	@$(BIN)/python docs/build.py

clean:  ## remove what demo, test and setup made, except .venv
	@rm -rf out build dist *.egg-info .pytest_cache .hypothesis .mypy_cache .ruff_cache
	@find . -name $(VENV) -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +

$(SAMPLE): data/draw_sample_clip.py | $(LEAN)
	@echo "demo: drawing $(SAMPLE)"
	@$(BIN)/python data/draw_sample_clip.py $@

# Older than any of these three, the installation is done again; pip leaves alone what is right already.
$(LEAN): setup.cfg pyproject.toml constraints.txt | $(BIN)/pip
	@echo "setup: installing cmt and the libraries it needs, without torch and other extras"
	@$(call INSTALL,)
	@touch $@

$(WITH_DOCS): setup.cfg pyproject.toml constraints.txt | $(BIN)/pip
	@echo "setup: installing cmt and the tools for its documentation"
	@$(call INSTALL,[docs])
	@touch $(LEAN) $@

$(EVERYTHING): setup.cfg pyproject.toml constraints.txt | $(BIN)/pip
	@echo "setup: installing cmt with everything, torch and the tools for its tests included (a large download)"
	@$(call INSTALL,[test])
	@touch $(LEAN) $(WITH_DOCS) $@

# Not made again when its folder's time changes: hence pip's own file as the target, and no prerequisites.
$(BIN)/pip:
	@command -v '$(PYTHON)' >/dev/null || { \
		echo 'setup: no $(PYTHON) found; name Python 3.10 or newer: make setup PYTHON=...' >&2; exit 1; }
	@'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
		echo "setup: $$('$(PYTHON)' --version) is too old; name 3.10 or newer: make setup PYTHON=..." >&2; exit 1; }
	@'$(PYTHON)' -c 'import ensurepip, venv' 2>/dev/null || { \
		package=$$('$(PYTHON)' -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
		echo "setup: installing $$package, which Debian keeps apart from Python"; \
		{ $(CAN_APT) && $(APT_INSTALL); } || { \
		echo "setup: cannot make a virtual environment; type: sudo apt-get install $$package" >&2; exit 1; }; }
	@echo "setup: making $(VENV)"
	@'$(PYTHON)' -m venv $(VENV)

# Without this library cmt still writes MIDI, but no audio.
system: | $(BIN)/pip
	@$(BIN)/python -c 'import sys, ctypes.util as u; sys.exit(not u.find_library("fluidsynth"))' || { \
		package=libfluidsynth3; \
		echo "setup: installing $$package, the synthesizer's library"; \
		{ $(CAN_APT) && $(APT_INSTALL); } || \
		echo "setup: FluidSynth's library is missing: without it cmt generate works with --midi-only alone; type:" \
			"sudo apt-get install $$package (on macOS: brew install fluid-synth)" >&2; }

# The page beside the music is tried in it; without it these tests are skipped, and fail where CI=true.
browser:
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || { \
		package=chromium; \
		echo "test: installing $$package, the browser that the page is tried in"; \
		{ $(CAN_APT) && $(APT_INSTALL); } || \
		echo "test: there is no Chromium: the tests of the page are skipped; type: sudo apt-get install $$package" >&2; }
