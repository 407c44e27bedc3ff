# Everything from a bare clone: each target first installs what it needs into .venv, once.
#
# Variables:
#   PYTHON     the interpreter .venv is made with            (make setup PYTHON=python3.12)
#   PIP_FLAGS  more options for pip, such as another index   (make demo PIP_FLAGS="--extra-index-url ...")
#   TEST_FLAGS more options for pytest                       (make test TEST_FLAGS="-x tests/test_grid.py")

PYTHON ?= python3
PIP_FLAGS ?=
TEST_FLAGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
SAMPLE := out/sample.mp4
INSTALLED := $(VENV)/.installed

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
.PHONY: help setup system demo test quick lint docs clean

help:  ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' Makefile

setup: $(INSTALLED) system  ## install everything into .venv

demo: setup $(SAMPLE)  ## draw a sample clip and compose music for it, in out/
	@echo "demo: composing for $(SAMPLE)"
	@$(BIN)/cmt generate $(SAMPLE) --genre pop --control 0.7 --seed 1 -o out/demo
	@echo "demo: the silent clip is $(SAMPLE), all that was made for it is in out/demo:"
	@ls out/demo

test: lint  ## check the code and run all tests
	@echo "test: pytest"
	@$(BIN)/python -m pytest -q $(TEST_FLAGS)

quick: lint  ## check the code and run the tests that take no time
	@echo "quick: pytest"
	@$(BIN)/python -m pytest -q -m 'not slow' $(TEST_FLAGS)

lint: setup  ## check the code with ruff and mypy
	@echo "lint: ruff"
	@$(BIN)/ruff check -q .
	@echo "lint: mypy"
	@$(BIN)/mypy

docs: setup  ## build the documentation as web pages, in out/docs
	@$(BIN)/python docs/build.py

clean:  ## remove what demo, test and setup made, except .venv
	@rm -rf out build dist *.egg-info .pytest_cache .hypothesis .mypy_cache .ruff_cache
	@find . -name $(VENV) -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +

$(SAMPLE): data/draw_sample_clip.py | setup
	@echo "demo: drawing $(SAMPLE)"
	@$(BIN)/python data/draw_sample_clip.py $@

# Older than any of these three, the installation is done again; pip leaves alone what is right already.
$(INSTALLED): setup.cfg pyproject.toml constraints.txt | $(BIN)/pip
	@echo "setup: installing torch (the first time a large download)"
	@$(PIP) install -q -c constraints.txt $(PIP_FLAGS) torch
	@echo "setup: installing cmt, the libraries it needs and the tools for its tests"
	@$(PIP) install -q -c constraints.txt $(PIP_FLAGS) -e '.[test]'
	@touch $@

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
system: | $(INSTALLED)
	@$(BIN)/python -c 'import sys, ctypes.util as u; sys.exit(not u.find_library("fluidsynth"))' || { \
		package=libfluidsynth3; \
		echo "setup: installing $$package, the synthesizer's library"; \
		{ $(CAN_APT) && $(APT_INSTALL); } || \
		echo "setup: FluidSynth's library is missing: without it cmt generate works with --midi-only alone; type:" \
			"sudo apt-get install $$package (on macOS: brew install fluid-synth)" >&2; }
