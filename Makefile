# Everything is made on first use and kept; nothing but make, git, gcc and Python is needed.
# ARGS goes to the program: make run ARGS="--theme light"; make bench ARGS="--quick".

PYTHON ?= python3
BIN := .venv/bin
# The environment's own Python, where there is one, tells soonest whether all is up to date.
PREPARE = $(firstword $(wildcard $(BIN)/python) $(PYTHON)) -m app.prepare
ARGS ?=

# Without bytecode every start compiles the program again.
unexport PYTHONDONTWRITEBYTECODE
MAKEFLAGS += --no-print-directory

.PHONY: help run test faults bench doctor clean distclean

help:
	@echo "make run        the terminal on the built-in simulated market"
	@echo "make test       lint, types, import rules and tests"
	@echo "make faults     the long form of the fault tests, about an hour"
	@echo "make bench      the figures beside their budgets, also in bench.json"
	@echo "make doctor     check the installation"
	@echo "make clean      remove what was built and cached"
	@echo "make distclean  remove the virtual environment too"

run:
	@$(PREPARE)
	@exec $(BIN)/python main.py terminal $(ARGS)

test:
	@$(PREPARE) --dev
	@$(BIN)/python -m tests.check

bench:
	@$(PREPARE) --dev
	@$(BIN)/python main.py bench --json bench.json $(ARGS)

faults:
	@$(PREPARE) --dev
	@OUTCRY_FAULTS=long $(BIN)/python -m pytest tests/faults
	@$(BIN)/python -m tests.faults.fuzz
	@$(BIN)/python -m tests.faults.soak

doctor:
	@$(PREPARE)
	@$(BIN)/python main.py doctor $(ARGS)

clean:
	@find . -path ./.venv -prune -o -name __pycache__ -type d -exec rm -rf {} +
	@rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@rm -f core/*/*.so core/*/*.pyd core/book/*.c core/book/*.html bench.json

distclean: clean
	@rm -rf .venv
