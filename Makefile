# `make demo` and `make test` set up everything they need on a fresh machine. What is done is not done twice.

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt
SAMPLE := data/sample

.PHONY: help venv demo test lint bench bench-alignment clean

help:
	@echo 'make demo    label the bundled sample videos and write demo/report.html'
	@echo 'make test    all checks and tests'
	@echo 'make lint    the checks alone: ruff, mypy, import-linter'
	@echo 'make bench   every benchmark, and a table against the bars'
	@echo 'make bench-alignment    the learned labels alone, on 400 videos; half an hour'
	@echo 'make venv    .venv with everything for development'
	@echo 'make clean   remove what make has made, .venv included'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and f"error: Python {v[0]}.{v[1]}: needs 3.11 or newer: make PYTHON=python3.12 ...")'
	@$(PYTHON) -m venv .venv

.venv/base.stamp: pyproject.toml constraints.txt | $(BIN)/python
	@echo 'installing framewords into .venv (a few minutes the first time)'
	@$(INSTALL) -e .
	@touch $@

.venv/test.stamp: pyproject.toml constraints.txt | $(BIN)/python
	@echo 'installing framewords with its test tools into .venv (some minutes the first time)'
	@$(INSTALL) -e '.[test]'
	@touch .venv/base.stamp $@

venv: .venv/test.stamp

demo: .venv/base.stamp
	@$(BIN)/framewords --data demo --set transcription.engine=vosk \
		--set transcription.model=$(SAMPLE)/models/vosk-model-tiny-en-us ingest $(SAMPLE)
	@$(BIN)/framewords --data demo report

# $(call check,name,command): one line when all is well, everything that was said when not.
check = @printf '%-8s' '$(1)'; if $(2) > .venv/$(1).log 2>&1; then sed -n '/./h;$${x;p;}' .venv/$(1).log; \
	else echo failed; cat .venv/$(1).log; exit 1; fi

lint: .venv/test.stamp
	$(call check,ruff,$(BIN)/ruff check)
	$(call check,mypy,$(BIN)/mypy)
	$(call check,imports,$(BIN)/lint-imports)

test: lint
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile

bench: .venv/test.stamp
	@$(BIN)/python -m tests.benchmarks

bench-alignment: .venv/test.stamp
	@$(BIN)/python -m tests.benchmarks.bench_learned_alignment

clean:
	rm -rf .venv demo build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis test-output
	find flows tasks tests -name __pycache__ -prune -exec rm -rf {} +
