# make demo, make test: everything they need goes into .venv. See CONTRIBUTING.md for the rest.

PORT ?= 8080
JOBS ?= auto
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$p; break; fi; done)
VENV := .venv
PARITY := .venv-parity
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet
REQUIRES := import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")

.NOTPARALLEL:
.PHONY: demo test check parity valgrind autobahn bench bench-bodies bench-client bench-ws build annotate wheel clean

demo: $(VENV)/ready-polls build
	@cd examples/polls && ../../$(PY) -m polls.init_db
	@cd examples/polls && ../../$(PY) -m polls --host 127.0.0.1 --port $(PORT)

test: $(VENV)/ready-dev build
	$(PY) -m pytest -n $(JOBS) $(ARGS)

check: $(VENV)/ready-dev build
	@status=0; \
	$(PY) -m ruff format --check --quiet . || { echo "ruff format: see above"; status=1; }; \
	$(PY) -m ruff check . || status=1; \
	$(PY) -m mypy || status=1; \
	$(PY) -m pytest -q -n $(JOBS) tests/meta || status=1; \
	exit $$status

parity: $(VENV)/ready-dev build $(PARITY)/ready
	@status=0; \
	echo "tercel:"; $(PY) -m pytest -q -n $(JOBS) tests/documented $(ARGS) || status=1; \
	echo "aiohttp:"; TERCEL_SUBJECT=aiohttp $(PARITY)/bin/python -m pytest -q -n $(JOBS) \
		tests/documented $(ARGS) || status=1; \
	exit $$status

# The protocol tables under valgrind: the compiled modules must not read or write out of bounds. Python's
# own values that valgrind takes for undefined (seeded by the kernel) are not looked for.
valgrind: $(VENV)/ready-dev build
	TERCEL_FEW_CUTS=1 PYTHONMALLOC=malloc valgrind --error-exitcode=9 \
		--leak-check=no --undef-value-errors=no --suppressions=tests/heap.supp --quiet $(ARGS) $(PY) -m tests.heap

# Both ways, on the builds that are here: ARGS='--cases 1.* 7.7.1', or ARGS=--write for the docs.
autobahn: $(VENV)/ready-dev build
	$(PY) tests/interop/autobahn/run.py $(ARGS)

bench: $(VENV)/ready-bench build
	$(PY) benchmarks/compare_servers.py $(ARGS)

bench-bodies: $(VENV)/ready-bench build
	$(PY) benchmarks/compare_bodies.py $(ARGS)

bench-client: $(VENV)/ready-bench build
	$(PY) benchmarks/compare_clients.py $(ARGS)

bench-ws: $(VENV)/ready-bench build
	$(PY) benchmarks/compare_websockets.py $(ARGS)

# Compiles what is out of date; without a C compiler the interpreted package stays, with one warning.
build: $(VENV)/ready-tools
	@echo "Compiling what is out of date ..."
	@$(PY) setup.py --quiet build_ext --inplace

annotate: $(VENV)/ready-tools
	TERCEL_ANNOTATE=1 $(PY) setup.py --quiet build_ext --inplace --force
	@echo "The annotated pages are under build/annotate."

wheel: $(VENV)/ready-tools
	$(PIP) wheel --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) $(PARITY) build dist src/*.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find src tests examples benchmarks -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
	find src -name '*.so' -delete

$(PY):
	@if [ -z "$(PYTHON)" ]; then echo "Tercel needs Python 3.11 or later, and none was found on PATH." >&2; exit 1; fi
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo "Tercel needs Python 3.11 or later; $(PYTHON) is older." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	{ echo "$(PYTHON) has no venv module; install it (on Debian and Ubuntu: apt install python3-venv)." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/ready-tools: pyproject.toml | $(PY)
	@echo "Setting up $(VENV) ..."
	@$(PY) -c '$(REQUIRES)' > $(VENV)/build-requires.txt
	@$(PIP) install -r $(VENV)/build-requires.txt
	@touch $@

# The package itself is linked, not built, here: `build` compiles it in place.
$(VENV)/ready-%: pyproject.toml $(VENV)/ready-tools
	@echo "Installing Tercel with what '$*' needs ..."
	@TERCEL_BUILD=pure $(PIP) install --no-build-isolation -e '.[$*]'
	@touch $@

$(PARITY)/ready: pyproject.toml | $(PY)
	$(PY) -m venv $(PARITY)
	$(PARITY)/bin/python -m pip --disable-pip-version-check --quiet install 'aiohttp==3.14.5' \
	aiohttp-jinja2 h11 pytest pytest-timeout pytest-xdist
	@touch $@
