# Everything a developer or an operator of a clone types. `make demo` and `make test` need nothing done before them.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
SYSTEM := .venv/.system
PO := $(wildcard weilianxin/locale/*/LC_MESSAGES/django.po)
MO := $(PO:.po=.mo)
MINI_TOOLS := miniprogram/node_modules/.installed
WORKERS ?= 2
PYTEST := -n $(WORKERS) --dist load --maxschedchunk 1

.PHONY: help setup demo mini test test-sqlite test-postgresql walk fuzz storm check messages pictures bench lock clean

help:
	@echo "make demo      a made-up subdistrict on http://127.0.0.1:8000/"
	@echo "make mini      the mini-program for a browser, in miniprogram/dist"
	@echo "make test      every test, on SQLite and on PostgreSQL, with a real Chromium"
	@echo "make check     style, imports between rooms, migrations, translations"
	@echo "make walk      a random walk over the flow of a report, STEPS=100000 on each database"
	@echo "make fuzz      made-up calls against the API, CALLS=10000 on each database"
	@echo "make storm     MESSAGES=1000 by WeChat on each database, while it is well and while a fifth of its calls fail"
	@echo "make messages  bring the English catalogue up to date with the Chinese sentences"
	@echo "make pictures  a picture of every main page in pictures/"
	@echo "make lock      write the locked requirements anew"
	@echo "make bench     how long the main pages take on this machine"

setup: $(INSTALLED) $(MO)

# The lock has a hash for every file; pip takes them from wherever this machine is told to.
$(INSTALLED): requirements-dev.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

%.mo: %.po $(INSTALLED)
	$(BIN)/pybabel --quiet compile --input-file=$< --output-file=$@

# What the tests need of the system: a browser and a Chinese font. Root installs them, others are told what is missing.
$(SYSTEM): $(INSTALLED)
	@missing=""; \
	$(BIN)/python -c 'from tests.support.browser import executable; executable()' 2>/dev/null || missing="chromium"; \
	if command -v fc-list >/dev/null && fc-list :lang=zh family | grep -q .; then :; else missing="$$missing fontconfig fonts-noto-cjk"; fi; \
	if [ -n "$$missing" ]; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	  else \
	    echo "Please install these packages, then run make test again: $$missing" >&2; exit 1; \
	  fi; \
	fi
	touch $@

# The mini-program for a browser, from its own source. Its tools come from the npm registry of this machine; a demo
# without them still starts, and the page of the mini-program says what is missing.
$(MINI_TOOLS): miniprogram/package-lock.json $(INSTALLED)
	cd miniprogram && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --loglevel=error
	touch $@

mini: setup $(MINI_TOOLS)
	PATH="$(CURDIR)/$(BIN):$$PATH" node miniprogram/harness/build.mjs

demo: setup
	@$(MAKE) --no-print-directory mini || echo "The mini-program is not built (see above): the rest of the demo starts without it." >&2
	$(BIN)/weilianxin demo

test: test-sqlite test-postgresql

test-sqlite: setup $(SYSTEM) mini
	DATABASE_URL= $(BIN)/python -m pytest -q $(PYTEST)

test-postgresql: setup $(SYSTEM) mini
	DATABASE_URL= $(BIN)/python -m tests.support.postgres -- $(BIN)/python -m pytest -q $(PYTEST) -m "not looks"

check: setup $(MINI_TOOLS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	WEILIANXIN_DATA=$$(mktemp -d) DATABASE_URL= DJANGO_SETTINGS_MODULE=weilianxin.config.settings \
	  $(BIN)/django-admin makemigrations --check --dry-run
	$(BIN)/python -m tests.support.catalogues --check
	cd miniprogram && PATH="$(CURDIR)/$(BIN):$$PATH" && node check.mjs && node node_modules/typescript/bin/tsc

CALLS ?= 10000

# A long random walk over the flow of a report, on both databases.
STEPS ?= 100000
WALK := WALK_STEPS=$(STEPS) $(BIN)/python -m pytest -q -s $(PYTEST) tests/test_reports_walk.py

walk: setup
	DATABASE_URL= $(WALK)
	DATABASE_URL= $(BIN)/python -m tests.support.postgres -- env $(WALK)

fuzz: setup
	DATABASE_URL= $(BIN)/python -m tests.support.fuzz --calls $(CALLS)
	DATABASE_URL= $(BIN)/python -m tests.support.postgres -- $(BIN)/python -m tests.support.fuzz --calls $(CALLS)

MESSAGES ?= 1000

storm: setup
	DATABASE_URL= $(BIN)/python -m tests.support.storm --messages $(MESSAGES)
	DATABASE_URL= $(BIN)/python -m tests.support.postgres -- $(BIN)/python -m tests.support.storm --messages $(MESSAGES)

messages: setup
	$(BIN)/python -m tests.support.catalogues

pictures: setup $(SYSTEM) mini
	$(BIN)/python -m tests.support.pictures

bench: setup
	$(BIN)/weilianxin demo --only-data
	WEILIANXIN_DEMO=1 WEILIANXIN_DATA=var/demo $(BIN)/weilianxin bench

# After a change of dependencies: what is locked already stays as it is where it can.
LOCK := echo 'setuptools>=77' | $(BIN)/uv pip compile pyproject.toml - --quiet --universal --python-version 3.11 --generate-hashes \
  --no-annotate --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

lock: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(LOCK) --output-file requirements.lock
	$(LOCK) --extra dev --output-file requirements-dev.lock

clean:
	rm -rf var pictures .pytest_cache .ruff_cache .import_linter_cache .hypothesis
