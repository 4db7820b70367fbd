# Every target makes its own environment when it is missing. Needed: Python 3.11 or newer with pip and venv, and make.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
TOOLS := .venv/.tools
TABLES := startup fanout throughput lateness publish rebuild serving social mails
MORE := mailout desk desk_live desk_hour
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable

.PHONY: demo test check pythons bench benches prove wheel tlds clients messages clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    watch one release go through the whole tool (sends nothing anywhere)"
	@echo "make test    the tests, a minute or two"
	@echo "make check   lint, types, floors"
	@echo "make pythons the tests on every other CPython of this machine"
	@echo "make bench   tables with ratios"
	@echo "make benches every benchmark at its smallest size"
	@echo "make prove   the long proofs; their last figures are in docs/proofs.md"
	@echo "make wheel   build dist/*.whl"

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "distributor needs Python 3.11 or newer; say make PYTHON=python3.12")'
	@test -x $(BIN)/python || { echo "making .venv (once, about a minute)"; $(PYTHON) -m venv .venv \
	  || { rm -rf .venv; echo "on Debian and Ubuntu: apt install python3-venv"; exit 1; }; }
	@$(INSTALL) '.[desk]'
	@touch $@

# What the tests and checks need besides; `make demo` does without.
$(TOOLS): $(READY)
	@$(INSTALL) '.[dev]'
	@touch $@

demo: $(READY)
	@$(BIN)/distributor demo

test: $(TOOLS)
	$(BIN)/python -m pytest

pythons: $(TOOLS)
	$(BIN)/python .ci/pythons.py

# What takes too long for .ci/run. Goes on where it was stopped; the figures are in docs/proofs.md.
prove: $(TOOLS)
	$(BIN)/python .ci/prove.py

check: $(TOOLS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(TOOLS)
	@for one in $(TABLES); do $(BIN)/python benchmarks/$$one.py || exit 1; done

# Every benchmark at a size that only shows that it still runs.
benches: $(TOOLS)
	@for one in $(TABLES) $(MORE); do echo "-- $$one"; $(BIN)/python benchmarks/$$one.py --smallest || exit 1; done

wheel: $(READY)
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

# What IANA has assigned since, beside the names that are in the list.
tlds:
	@head -2 distributor/text/tlds.txt > tlds.new
	@{ grep -v '^#' distributor/text/tlds.txt; curl -fsS https://data.iana.org/TLD/tlds-alpha-by-domain.txt | grep -v '^#' \
	  | tr 'A-Z' 'a-z' | grep -v '^xn--'; } | LC_ALL=C sort -u >> tlds.new && mv tlds.new distributor/text/tlds.txt

# What mail programs do not show, as caniemail.com has tested it since. npm brings the package.
clients:
	@command -v npm >/dev/null || { echo "make clients needs npm, which comes with Node.js"; exit 1; }
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT \
	  && npm pack --silent --pack-destination "$$folder" "caniemail@$$(npm view caniemail version)" >/dev/null \
	  && tar -xzOf "$$folder"/caniemail-*.tgz package/data/caniemail.json > "$$folder/data.json" \
	  && $(PYTHON) .ci/clients.py < "$$folder/data.json" > "$$folder/clients.csv" \
	  && cp "$$folder/clients.csv" channels/email/clients.csv

# The words of the web desk, into every catalog: what is new has no translation yet, what is gone goes.
messages: $(TOOLS)
	$(BIN)/pybabel -q extract -F distributor/web/babel.cfg -k N_ --no-location --sort-output --omit-header -o desk.pot .
	@for po in distributor/web/locale/*/LC_MESSAGES/desk.po; do \
	  $(BIN)/pybabel -q update -i desk.pot -o $$po -l $$(basename $$(dirname $$(dirname $$po))) -N --ignore-obsolete --omit-header; done
	@rm desk.pot

clean:
	rm -rf .venv .venv-ci dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
