# The one list of tasks. `make` shows it; each task does its own set-up.

# Both may be given: make test PYTHON=python3.13 VENV=.venv-3.13
PYTHON ?=
VENV ?= .venv
# The Debian suite whose programs `make tools` fetches: bookworm, trixie, sid
SUITE ?= trixie
# make test PYTEST_ARGS="tests/exposition/test_text.py -x": a chosen part, in one process, with all examples
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

# The locks of single tools, each for an environment of its own
APART = audit fuzz pandas resolver sbom pip-23-0 pip-23-2 pip-newest
QUICK = -n auto --dist worksteal -m "not e2e and not alone" --hypothesis-profile quick
PREVIEW = grafana_dashboards/preview
COMPILE = .tools/resolver/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate $(UPGRADE)
PAGES = README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md docs helm
SCRIPTS = .ci/run tools/chromium tools/debian-mirror tools/debian-sid tools/go-tools tools/image tools/kube tools/parts tools/venv

export PYTHON
# Tests start our programs hundreds of times: each would compile them anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test coverage test-all fuzz soak slow bench lint docs rules dashboards pictures image compose chart chart-golden chart-schemas kube lock sbom audit tools clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' Makefile

demo: ## simulated platforms, the exporter polling them, and the URLs to look at
	@tools/venv $(VENV) run
	@$(VENV)/bin/chat-usage-exporter demo $(DEMO_ARGS)

test: ## all tests that need no other program, on all cores (PYTEST_ARGS=... for a part)
	@tools/venv $(VENV) dev
	@$(VENV)/bin/python -m pytest $(or $(strip $(PYTEST_ARGS)),$(QUICK))

# On Python 3.14 it costs next to nothing, on older ones as much as the tests themselves.
coverage: ## the same tests, and which branches of exporter/ they miss; fails below 95 %
	@tools/venv $(VENV) dev
	@$(VENV)/bin/python -m pytest $(QUICK) --cov

# What a program is missing for is skipped: see .ci/run for where they all come from.
test-all: ## what make test leaves out too: tests with real programs, all examples, and tests by the clock
	@tools/venv $(VENV) dev
	@PATH="$$(tools/parts $(SUITE)):$$PATH"; status=0; \
		$(VENV)/bin/python -m pytest -n auto --dist loadfile -m "not alone" || status=$$?; \
		$(VENV)/bin/python -m pytest -m alone || status=$$?; exit $$status

# Where atheris has no build for this Python, the same changes are made by chance alone.
fuzz: ## ten minutes of bad input to everything that reads (FUZZ_ARGS="--minutes 1", or KIND NUMBER to see one again)
	@tools/venv $(VENV) dev
	@cmp -s requirements/fuzz.lock .tools/atheris/lock || { rm -rf .tools/atheris && \
		$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: \
		--no-deps --require-hashes -r requirements/fuzz.lock --target .tools/atheris && \
		cp requirements/fuzz.lock .tools/atheris/lock; } || true
	@PYTHONPATH=.tools/atheris $(VENV)/bin/python -m tests.fuzz $(FUZZ_ARGS)

soak: ## an hour of polls every 5 s, random faults and 5 scrapers: flat and right? (SOAK_ARGS="--minutes 5")
	@tools/venv $(VENV) dev
	@$(VENV)/bin/python -m tests.soak $(SOAK_ARGS)

slow: ## 500 slow clients, and floods of 1,000 connections, without and with TLS: what does a scrape lose? (SLOW_ARGS=--short: no floods)
	@tools/venv $(VENV) dev
	@$(VENV)/bin/python -m tests.e2e.slow $(SLOW_ARGS)
	@$(if $(SLOW_ARGS),,$(VENV)/bin/python -m tests.e2e.floods)

bench: ## speed and memory of 20 to 10,000 companies, beside prometheus-client, in ten minutes (BENCH_ARGS=--short: one)
	@tools/venv $(VENV) dev
	@$(VENV)/bin/python -m benchmarks $(BENCH_ARGS)

lint: ## style, types, direction of imports, shell scripts, spelling, Markdown
	@tools/venv $(VENV) dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy exporter tests tools benchmarks grafana_dashboards/src .ci/bounds.py
	$(VENV)/bin/lint-imports --no-logo
	$(VENV)/bin/shellcheck $(SCRIPTS)
	$(VENV)/bin/hadolint --failure-threshold style Dockerfile
	$(VENV)/bin/codespell
	$(VENV)/bin/rumdl check --quiet $(PAGES)

# A command that fails leaves the file as it was.
docs: ## write what is generated: config/exporter.example.yml, docs/metrics.md, the list of runbooks
	@tools/venv $(VENV) run
	@mkdir -p config
	text=$$($(VENV)/bin/python -m tools.options) && printf '%s\n' "$$text" > config/exporter.example.yml
	text=$$($(VENV)/bin/chat-usage-exporter metrics) && printf '%s\n' "$$text" > docs/metrics.md
	text=$$($(VENV)/bin/python -m tools.runbooks) && printf '%s\n' "$$text" > docs/runbooks/README.md

rules: ## build/alert_rules/ and build/grafana_dashboards/ with your addresses (DOCS_URL=https://... GRAFANA_URL=https://...; without one, without its links)
	@tools/venv $(VENV) run
	$(VENV)/bin/python -m tools.rules --docs-url "$(DOCS_URL)" --grafana-url "$(GRAFANA_URL)"

image: ## build the image without a container engine, on Debian packages (root, Debian)
	@tools/image build

compose: ## write anew the configuration files that compose.yml has of its own
	@tools/venv $(VENV) dev
	$(VENV)/bin/python -m tools.compose

chart: ## bring the chart's copies of rules, dashboards and options, and its README, up to date
	@tools/venv $(VENV) dev
	$(VENV)/bin/python -m tools.chart
	"$$(tools/go-tools helm-docs)/helm-docs" --chart-search-root helm --log-level warning

chart-golden: chart ## write anew what the chart renders, for the tests to compare with
	PATH="$$(tools/go-tools helm):$$PATH" $(VENV)/bin/python -m tests.helm.golden

chart-schemas: ## take anew the schemas of Kubernetes and of Prometheus' operator, by which tests judge the chart
	@tools/venv $(VENV) dev
	$(VENV)/bin/python -m tools.chart_schemas

kube: ## have a real Kubernetes API server judge the chart; the first time builds it with Go, in ten minutes
	@tools/venv $(VENV) dev
	@tools/kube >/dev/null
	@tools/go-tools helm >/dev/null
	$(VENV)/bin/python -m pytest tests/kube/in_a_cluster.py

dashboards: ## write grafana_dashboards/ anew from its Python in grafana_dashboards/src/
	@tools/venv $(VENV) dev
	$(VENV)/bin/python -m grafana_dashboards.src grafana_dashboards

# The programs: node and npm, Debian's chromium (or CHROMIUM=...), and what `make tools` fetches.
pictures: dashboards ## take docs/pictures/ anew in Grafana's own components, and day 1, an outage, a weekend, 1 and 400 companies to look at
	cd $(PREVIEW) && npm ci --no-fund --no-audit && npm run build -- --logLevel warn
	$(VENV)/bin/python -m tests.dashboards.pictures $$(tools/parts $(SUITE)) \
		$(PREVIEW)/pictures.mjs docs/pictures screenshots/dashboards

lock: ## lock the dependencies of pyproject.toml anew (UPGRADE=--upgrade for newer versions)
	@tools/venv .tools/resolver resolver
	$(COMPILE) pyproject.toml --group dev -o requirements/dev.lock
	$(COMPILE) pyproject.toml -c requirements/dev.lock -o requirements/run.lock
	$(COMPILE) --group build -c requirements/dev.lock -o requirements/build.lock
	for group in $(APART); do $(COMPILE) --group $$group -o requirements/$$group.lock || exit; done

sbom: ## list what is locked and what the image holds, as CycloneDX, in dist/sbom/ (SBOM_ARGS="--locked" without the image)
	@tools/venv .tools/sbom sbom
	@.tools/sbom/bin/python -m tools.sbom $(SBOM_ARGS)

audit: ## ask which known weaknesses the locked releases have
	@tools/venv .tools/audit audit
	.tools/audit/bin/pip-audit --disable-pip --require-hashes --strict --requirement requirements/run.lock

tools: ## fetch the real programs for tests (promtool, prometheus ...) and print the PATH line
	@bin=$$(tools/parts $(SUITE)) && echo "export PATH=$$bin:\$$PATH"

clean: ## remove what the tasks made here
	rm -rf $(PREVIEW)/node_modules $(PREVIEW)/dist .venv* .tools screenshots fuzzed soaked .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
