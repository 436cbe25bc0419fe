# The tasks of this project: `make help` lists them.

SUPPORTED = import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python3.10; do \
	"$$python" -c '$(SUPPORTED)' 2>/dev/null && echo "$$python" && break; done)
# PyAirbyte, which the demo runs, takes no Python 3.13 yet: then the demo gets an environment of its own.
HAS_PYAIRBYTE = import sys; sys.exit(sys.version_info[:2] >= (3, 13))
DEMO = $(shell "$(PYTHON)" -c '$(HAS_PYAIRBYTE)' 2>/dev/null && echo .venv || echo .venv-demo)
VERSION = $(shell sed -n 's/^version = "\([^"]*\)".*/\1/p' pyproject.toml)
BIN = .venv/bin
TESTS = unit_tests integration_tests docs_tests simulator verification
CODE = source_autopilot autopilot_loader $(TESTS) examples benchmarks main.py setup.py
INSTALL = pip install --quiet --constraint requirements.lock

SECONDS = 600
CONFIG = secrets/config.json
# The connector and nothing else, as in the image, and beside it the tools that look at it.
RUNTIME = $(PYTHON) -m venv .venv-audit && $(PYTHON) -m venv .venv-audit/runtime \
	&& .venv-audit/runtime/bin/python -m pip install --quiet --constraint requirements.lock . \
	&& .venv-audit/bin/python -m pip install --quiet 'pip-audit>=2.7' 'cyclonedx-bom>=7'

# All of them, written into the docs, or for example WORKLOADS='known-limit slow-pages', printed.
WORKLOADS =

# All of [tool.mutmut], or for example MUTANTS='source_autopilot.sync.state.*'.
MUTANTS =
SHARE = /: (not checked|skipped)$$/ { next } { all++ } /: (killed|timeout|segfault)$$/ { noticed++; next } { print } \
	END { printf "%d of %d mutants are noticed: %d %%\n", noticed, all, all ? 100 * noticed / all : 0 }

.DEFAULT_GOAL := help
.PHONY: help demo verify unit test check lint types mutants image test-image benchmark fuzz audit sbom lock clean

help: ## List the tasks
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

demo: $(DEMO)/installed ## Sync a simulated account into a DuckDB file and show its tables
	@$(DEMO)/bin/python -m autopilot_loader duckdb --demo

verify: .venv/installed ## Ask your account, by CONFIG=secrets/config.json, what docs/autopilot-api.md believes
	@$(BIN)/python -m verification --config "$(CONFIG)"

unit: .venv/installed ## Run the unit tests, which is enough while working (half a minute)
	$(BIN)/python -m pytest -n auto --dist worksteal -q unit_tests

test: .venv/installed ## Run all tests, with branch coverage of at least 95 %
	$(BIN)/python -m pytest -n 4 --dist worksteal --cov --cov-report=term

check: lint types test ## Everything that has to pass before a commit: lint, types, tests

lint: .venv/installed ## Check style, format and which module may import which
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/lint-imports

types: .venv/installed ## Check the types
	$(BIN)/mypy --strict source_autopilot
	$(BIN)/mypy --strict autopilot_loader $(TESTS) examples benchmarks

# CI=1 tells hypothesis to try the same examples each time, so that the same mutants survive. mutmut keeps
# its verdicts when tests change, so it starts from nothing. `.venv-mutants/bin/mutmut show NAME` shows one.
mutants: .venv-mutants/installed ## Change the core's code in small ways and list what no test notices (6 minutes)
	@rm -rf mutants
	CI=1 .venv-mutants/bin/mutmut run $(MUTANTS)
	@.venv-mutants/bin/mutmut results --all true | awk '$(SHARE)'

image: ## Build the Docker image; BASE_IMAGE= replaces Airbyte's public Python base
	DOCKER_BUILDKIT=1 docker build $(if $(BASE_IMAGE),--build-arg BASE_IMAGE=$(BASE_IMAGE)) \
		--label io.airbyte.version=$(VERSION) --tag source-autopilot --tag airbyte/source-autopilot:dev .

test-image: .venv/installed image ## Test the image: our comparisons and Airbyte's image tests
	$(BIN)/python -m pytest -n 4 --dist worksteal -p no:hypothesispytest \
		-p airbyte_cdk.test.standard_tests.pytest_hooks integration_tests docs_tests -m image_tests \
		--connector-image source-autopilot --read-from-streams=all --read-scenarios=all_contacts,with_catalog
	@echo "Airbyte's older suite (CAT) reads acceptance-test-config.yml, too. Where it is installed, run beside" \
		"'python -m simulator --port 8771 --key fedcba9876543210fedcba9876543210':" \
		"python -m pytest -p connector_acceptance_test.plugin --acceptance-test-config ."

benchmark: .venv/installed ## Measure the connector beside its peers on the simulator (half an hour)
ifdef WORKLOADS
	$(BIN)/python -m benchmarks --workloads $(WORKLOADS)
else
	$(BIN)/python -m benchmarks.custom_fields
	$(BIN)/python -m benchmarks --write docs/performance.md
endif

fuzz: ## Look for pages that break the parsing, for SECONDS=600
	$(PYTHON) -m venv .venv-fuzz && .venv-fuzz/bin/python -m pip install --quiet --constraint requirements.lock . 'atheris>=3'
	mkdir -p .venv-fuzz/found && .venv-fuzz/bin/python integration_tests/fuzz.py -max_total_time=$(SECONDS) .venv-fuzz/found

audit: ## Look up known vulnerabilities of the image's packages
	$(RUNTIME)
	.venv-audit/bin/pip-audit --path "$$(echo .venv-audit/runtime/lib/python*/site-packages)"

sbom: ## Write sbom.json: the image's packages, as CycloneDX
	$(RUNTIME)
	.venv-audit/bin/cyclonedx-py environment --output-file sbom.json .venv-audit/runtime/bin/python

lock: .venv/installed ## Renew the exact versions in requirements.lock
	$(BIN)/python -m uv pip compile --quiet --upgrade --universal --python-version 3.10 \
		--extra tests --extra demo --no-annotate --no-header --output-file requirements.lock pyproject.toml

clean: ## Remove what the other tasks made
	rm -rf .venv .venv-* demo build mutants sbom.json *.egg-info .coverage* .hypothesis \
		.import_linter_cache .mypy_cache .pytest_cache .ruff_cache

.venv/installed: pyproject.toml requirements.lock
	@"$(PYTHON)" -c '$(SUPPORTED)' 2>/dev/null || { echo "Python 3.10 to 3.13 is needed, which $(or $(PYTHON),python3) is not:" \
		"install one, or say make PYTHON=/path/to/python3.12"; exit 1; }
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock uv
	# pip knows the machine's mirrors
	$(BIN)/python -m uv $(INSTALL) --editable '.[tests,demo]' --compile-bytecode || $(BIN)/python -m $(INSTALL) --editable '.[tests,demo]'
	@touch $@

.venv-demo/installed: .venv/installed
	@echo "PyAirbyte needs Python 3.10, 3.11 or 3.12: uv looks for one, or fetches one, for .venv-demo."
	@$(BIN)/python -m uv venv --quiet --seed --clear --python '>=3.10,<3.13' .venv-demo || { \
		echo "None is here and none can be fetched: install one, or say make demo PYTHON=/path/to/python3.12"; exit 1; }
	$(BIN)/python -m uv $(INSTALL) --python .venv-demo --editable '.[demo]' --compile-bytecode \
		|| .venv-demo/bin/python -m $(INSTALL) --editable '.[demo]'
	@touch $@

# mutmut shows its results with rich 14, and PyAirbyte in .venv wants rich 13.
.venv-mutants/installed: pyproject.toml requirements.lock
	$(PYTHON) -m venv --clear .venv-mutants
	sed '/^rich==/d' requirements.lock > .venv-mutants/constraints.txt
	.venv-mutants/bin/python -m pip install --quiet --disable-pip-version-check \
		--constraint .venv-mutants/constraints.txt --editable '.[tests]' 'mutmut>=3.8,<4'
	@touch $@
