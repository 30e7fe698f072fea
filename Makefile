# `make demo` and `make test` install what they need first; both are quick when it is there already.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python
export TF_CPP_MIN_LOG_LEVEL := 3
export TF_ENABLE_ONEDNN_OPTS := 0

NEEDED := gcc=gcc iverilog=iverilog arm-none-eabi-gcc=gcc-arm-none-eabi qemu-system-arm=qemu-system-arm
NEEDED_BY_ALL := verilator=verilator g++=g++ clang=clang cppcheck=cppcheck

.PHONY: help setup setup-all demo test test-all bench lint clean

help:
	@echo "make demo      train a WaveNet, compile it for a Cortex-M7 and an FPGA, run both, compare (build/demo/)"
	@echo "make test      the tests"
	@echo "make test-all  the tests and the slow ones"
	@echo "make bench     the numbers of the README"
	@echo "make lint      ruff, and clang and cppcheck where they are installed"

setup: $(VENV)/.installed
	@.ci/packages $(NEEDED)
	@test -d .cache/cmsis-dsp || $(RUN) -c 'from compiler.mcu import cmsis; cmsis.fetch()'

setup-all: setup
	@.ci/packages $(NEEDED_BY_ALL)

$(VENV)/.installed: pyproject.toml
	test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --disable-pip-version-check --quiet --editable '.[zoo,rtl,test]'
	touch $@

demo: setup
	$(RUN) -m bench.demo

test: setup
	$(RUN) -m pytest -n 2 -m 'not slow'

test-all: setup-all
	ABUSE=10 $(RUN) -m pytest -n 2

bench: setup
	$(RUN) -m bench

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

clean:
	rm -rf build
