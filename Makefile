# All tasks of this project. `make` lists them; each task sets itself up.

# Another Python, in an environment of its own: make test PYTHON=python3.13 VENV=.venv-3.13
PYTHON ?=
VENV ?= .venv
# Debian suite from which `make tools` fetches programs: bookworm, trixie or sid
SUITE ?= trixie
# make test PYTEST_ARGS="tests/exposition/test_text.py -x": these tests only, in one process, with all examples
PYTEST_ARGS ?=
# make demo DEMO_ARGS="--companies 5"
DEMO_ARGS ?=
# make sbom SBOM_ARGS="--engine docker --image chat-usage-exporter:1.2.3"
SBOM_ARGS ?=
# make fuzz FUZZ_ARGS="--minutes 1"
FUZZ_ARGS ?=
# make soak SOAK_ARGS="--minutes 5"
SOAK_ARGS ?= --minutes 60
# make rules DOCS_URL=https://docs.example.com/chat-usage GRAFANA_URL=https://grafana.example.com
DOCS_URL ?=
GRAFANA_URL ?=
# make slow SLOW_ARGS=--short
SLOW_ARGS ?=
# make bench BENCH_ARGS=--short
BENCH_ARGS ?=

# Lock files of single tools, each with its own environment
APART = audit fuzz pandas resolver sbom pip-23-0 pip-23-2 pip-newest
QUICK = -n auto --dist worksteal -m "not e2e and not alone" --hypothesis-profile quick
PREVIEW = grafana_dashboards/preview
COMPILE = .tools/resolver/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate $(UPGRADE)
PAGES = README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md docs helm
SCRIPTS = .ci/run tools/chromium tools/debian-mirror tools/debian-sid tools/go-tools tools/image tools/kube tools/parts tools/venv

export PYTHON
# Tests start the exporter hundreds of times; without cached bytecode, each start would compile it again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test coverage test-all fuzz soak slow bench lint docs rules dashboards pictures image compose chart chart-golden chart-schemas kube lock sbom audit tools clean

help: ## list the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' Makefile

demo: ## run simulated platforms and the exporter, and print the URLs to open
	@tools/venv $(VENV) run
	@$(VENV)/bin/chat-usage-exporter demo $(DEMO_ARGS)

test: ## run all tests that need no other program, on all cores (PYTEST_ARGS=... for a part)
	@tools/venv $(VENV) dev
	@$(VENV)/bin/python -m pytest $(or $(strip $(PYTEST_ARGS)),$(QUICK))

# Coverage costs little on Python 3.14, but doubles the time on older ones.
coverage: ## run the same tests and list the branches of exporter/ that they miss; fails below 95 %
	@tools/venv $(VENV) dev
	@$(VENV)/bin/python -m pytest $(QUICK) --cov

# Tests whose program is missing are skipped; .ci/run shows how to get all programs.
test-all: ## run all tests, including those with real programs, all examples and time measurements
	@tools/venv $(VENV) dev
	@PATH="$$(tools/parts $(SUITE)):$$PATH"; status=0; \
		$(VENV)/bin/python -m pytest -n auto --dist loadfile -m "not alone" || status=$$?; \
		$(VENV)/bin/python -m pytest -m alone || status=$$?; exit $$status

# If atheris has no build for this Python, inputs are mutated at random, without coverage guidance.
fuzz: ## feed bad input to all parsers for ten minutes (FUZZ_ARGS="--minutes 1", or KIND NUMBER to repeat one input)
	@tools/venv $(VENV) dev
	@cmp -s requirements/fuzz.lock .tools/atheris/lock || { rm -rf .tools/atheris && \
		$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: \
		--no-deps --require-hashes -r requirements/fuzz.lock --target .tools/atheris && \
		cp requirements/fuzz.lock .tools/atheris/lock; } || true
	@PYTHONPATH=.tools/atheris $(VENV)/bin/python -m tests.fuzz $(FUZZ_ARGS)

soak: ## run for an hour with polls every 5 s, random faults and 5 scrapers; check memory and figures (SOAK_ARGS="--minutes 5")
	@tools/venv $(VENV) dev
	@$(VENV)/bin/python -m tests.soak $(SOAK_ARGS)

slow: ## measure scrapes during 500 slow clients and floods of 1,000 connections, with and without TLS (SLOW_ARGS=--short: no floods)
	@tools/venv $(VENV) dev
	@$(VENV)/bin/python -m tests.e2e.slow $(SLOW_ARGS)
	@$(if $(SLOW_ARGS),,$(VENV)/bin/python -m tests.e2e.floods)

bench: ## measure speed and memory for 20 to 10,000 companies, and compare with prometheus-client; ten minutes (BENCH_ARGS=--short: one)
	@tools/venv $(VENV) dev
	@$(VENV)/bin/python -m benchmarks $(BENCH_ARGS)

lint: ## check style, types, direction of imports, shell scripts, Dockerfile, spelling and Markdown
	@tools/venv $(VENV) dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy exporter tests tools benchmarks grafana_dashboards/src .ci/bounds.py
	$(VENV)/bin/lint-imports --no-logo
	$(VENV)/bin/shellcheck $(SCRIPTS)
	$(VENV)/bin/hadolint --failure-threshold style Dockerfile
	$(VENV)/bin/codespell
	$(VENV)/bin/rumdl check --quiet $(PAGES)

# If a command fails, its file stays unchanged.
docs: ## write generated documents: config/exporter.example.yml, docs/metrics.md, list of runbooks
	@tools/venv $(VENV) run
	@mkdir -p config
	text=$$($(VENV)/bin/python -m tools.options) && printf '%s\n' "$$text" > config/exporter.example.yml
	text=$$($(VENV)/bin/chat-usage-exporter metrics) && printf '%s\n' "$$text" > docs/metrics.md
	text=$$($(VENV)/bin/python -m tools.runbooks) && printf '%s\n' "$$text" > docs/runbooks/README.md

rules: ## write build/alert_rules/ and build/grafana_dashboards/ with your URLs (DOCS_URL=https://... GRAFANA_URL=https://...; links to a URL that is not set are removed)
	@tools/venv $(VENV) run
	$(VENV)/bin/python -m tools.rules --docs-url "$(DOCS_URL)" --grafana-url "$(GRAFANA_URL)"

image: ## build the image without a container engine, from Debian packages (needs Debian and root)
	@tools/image build

compose: ## update config/compose/
	@tools/venv $(VENV) dev
	$(VENV)/bin/python -m tools.compose

chart: ## update the chart's copies of rules and dashboards, its schema and its README
	@tools/venv $(VENV) dev
	$(VENV)/bin/python -m tools.chart
	"$$(tools/go-tools helm-docs)/helm-docs" --chart-search-root helm --log-level warning

chart-golden: chart ## update the rendered charts and delivered alerts that tests compare with
	PATH="$$(tools/go-tools helm):$$PATH" $(VENV)/bin/python -m tests.helm.golden
	text=$$(PATH="$$(tools/parts sid):$$PATH" $(VENV)/bin/python -m tests.oncall.test_delivered) && printf '%s\n' "$$text" > tests/oncall/delivered.txt

chart-schemas: ## update the schemas of Kubernetes and custom resources that tests validate the chart with
	@tools/venv $(VENV) dev
	$(VENV)/bin/python -m tools.chart_schemas

kube: ## validate the chart with a real Kubernetes API server; the first run builds it with Go, in ten minutes
	@tools/venv $(VENV) dev
	@tools/kube >/dev/null
	@tools/go-tools helm >/dev/null
	$(VENV)/bin/python -m pytest tests/kube/in_a_cluster.py

dashboards: ## generate grafana_dashboards/ from grafana_dashboards/src/
	@tools/venv $(VENV) dev
	$(VENV)/bin/python -m grafana_dashboards.src grafana_dashboards

# Needs node and npm, Debian's chromium (or CHROMIUM=...), and the programs of `make tools`.
pictures: dashboards ## take the screenshots of docs/pictures/ with Grafana's own components, and more in screenshots/ to look at: day 1, an outage, a weekend, 1 and 400 companies
	cd $(PREVIEW) && { cmp -s package-lock.json node_modules/lock || { npm ci --no-fund --no-audit && cp package-lock.json node_modules/lock; }; } && npm run build -- --logLevel error
	$(VENV)/bin/python -m tests.dashboards.pictures $$(tools/parts $(SUITE)) \
		$(PREVIEW)/pictures.mjs docs/pictures screenshots/dashboards

lock: ## update requirements/ from pyproject.toml (UPGRADE=--upgrade for newer versions)
	@tools/venv .tools/resolver resolver
	$(COMPILE) pyproject.toml --group dev -o requirements/dev.lock
	$(COMPILE) pyproject.toml -c requirements/dev.lock -o requirements/run.lock
	$(COMPILE) --group build -c requirements/dev.lock -o requirements/build.lock
	for group in $(APART); do $(COMPILE) --group $$group -o requirements/$$group.lock || exit; done

sbom: ## write CycloneDX SBOMs of the lock file and the image to dist/sbom/ (SBOM_ARGS="--locked": without the image)
	@tools/venv .tools/sbom sbom
	@.tools/sbom/bin/python -m tools.sbom $(SBOM_ARGS)

audit: ## list known vulnerabilities of the locked releases
	@tools/venv .tools/audit audit
	.tools/audit/bin/pip-audit --disable-pip --require-hashes --strict --requirement requirements/run.lock

tools: ## fetch real programs for tests (promtool, prometheus ...) and print the PATH line
	@bin=$$(tools/parts $(SUITE)) && echo "export PATH=$$bin:\$$PATH"

clean: ## remove all files that the tasks created here
	rm -rf $(PREVIEW)/node_modules $(PREVIEW)/dist .venv* .tools screenshots fuzzed soaked .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
