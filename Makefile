# The shop's commands; `make` alone lists them.

STAGE ?= prod
FORMAT ?= sam
VENV := .venv
PYTHON := $(VENV)/bin/python
LINTERS := .venv-lint
STATE_DIR ?= .local
DEPLOYED := $(PYTHON) -m pytest -p no:cacheprovider
LOCK := $(VENV)/bin/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 --upgrade

# For what nobody may do to prod by leaving a word out.
NAMED_STAGE = @test "$(origin STAGE)" != file || { echo "Which stage? make $@ STAGE=dev" >&2; exit 2; }

# For what both forms of a deployed stage have.
KNOWN_FORMAT = @case "$(FORMAT)" in sam|terraform) ;; *) echo "FORMAT is sam or terraform, not $(FORMAT)." >&2; exit 2; esac

.DEFAULT_GOAL := help
.PHONY: help run cloud deployed test coverage test-deployed check lint-templates lint-workflows format lock scan fuzz-http fuzz-api docs tour openapi lint-contract clients costs cost cost-units scaling import export audit redrive recompute job stages account resources payment-keys api-key preflight plan release rollback smoke release-notes notify admin address ring rotate remove restore backup close open package viewer chalice-deploy chalice-delete clean
export STATE_DIR

help: ## List the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 23

run: $(VENV)/ready ## Open the whole shop on this machine: PORT=8000 CLOUD_PORT=4566 PAYMENT_PORT=4580
	@exec $(PYTHON) -m tools.local run

cloud: $(VENV)/ready ## Start the local AWS and the payment service, for `chalice local --stage local`
	@exec $(PYTHON) -m tools.local cloud

deployed: STAGE := $(if $(filter file,$(origin STAGE)),dev,$(STAGE))
deployed: $(VENV)/ready ## Deploy a stage on a local AWS, and let it work: STAGE=dev CLOUD_PORT=4566 PAYMENT_PORT=4580
	@STAGE=$(STAGE) exec $(PYTHON) -m tools.local deployed

test-deployed: $(VENV)/ready ## Run the tests of the deployed shop, and the end-to-end suite on each form of it
	@$(MAKE) --no-print-directory --jobs=3 --output-sync=target .test-deployed .test-form-terraform .test-form-chalice

# More processes than two cores, for they wait much; what they hear is looked back on, so they share a folder.
.test-deployed:
	@export DEPLOYED_TESTS="$$(mktemp -d)"; trap 'rm -rf "$$DEPLOYED_TESTS"' EXIT; \
	last=tests/deployed/test_deployer.py; \
	$(DEPLOYED) -n 3 --dist loadfile --no-loadscope-reorder tests/deployed --ignore $$last && $(DEPLOYED) $$last

# The forms give way to the tests above, which take longer; these two come one after the other.
.test-form-chalice: .test-form-sam

.test-form-sam .test-form-chalice .test-form-terraform: .test-form-%:
	@nice -n 5 $(DEPLOYED) tests/e2e --form $*

test: $(VENV)/ready ## Run every test: DATE=2028-02-29T23:56 as if it were then
	@exec $(PYTHON) $(if $(DATE),-m tools.dated $(DATE) $(PYTHON)) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

coverage: $(VENV)/ready ## Measure what of the code the tests run, without those that run it in processes of their own
	@exec $(PYTHON) -m pytest -n 2 --dist loadfile --cov tests/unit tests/integration

check: $(VENV)/ready ## Lint, check formatting and types, run the quick tests
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(PYTHON) -m pytest -q tests/unit

lint-templates: $(VENV)/ready $(LINTERS)/ready ## Package every stage, and lint all templates by cfn-lint, the serverless rules and checkov
	@exec $(PYTHON) -m tools.templates $(LINTERS)/bin

format: $(VENV)/ready ## Format the code, and mend what the linter can mend
	$(PYTHON) -m ruff check --fix-only --quiet .
	$(PYTHON) -m ruff format .

lock: $(VENV)/ready ## Renew the locks, requirements*.txt, from their .in files, with hashes
	$(LOCK) requirements.in --output-file requirements.txt
	$(LOCK) requirements-dev.in --output-file requirements-dev.txt
	$(LOCK) requirements-lint.in --output-file requirements-lint.txt

fuzz-http: $(VENV)/ready ## Send strange bytes to the shop of make run, and to no other: COUNT=20000 SEED=1 PORT=8000
	@exec $(PYTHON) -m tools.fuzz --shop http://127.0.0.1:$(or $(PORT),8000) $(if $(COUNT),--count $(COUNT)) $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY))

fuzz-api: $(VENV)/ready ## Hold a shop of the run's own to its document, by requests made from that: COUNT=20000 SEED=1 QUICK=1 ONLY="POST /orders"
	@exec $(PYTHON) -m tools.conformance $(if $(COUNT),--count $(COUNT)) $(if $(SEED),--seed $(SEED)) $(if $(filter 1,$(QUICK)),--quick) $(if $(ONLY),--only "$(ONLY)")

scan: $(VENV)/ready lint-workflows ## Look for known holes in dependencies, code and workflows; asks the package index
	$(PYTHON) -m pip_audit --strict --disable-pip --require-hashes -r requirements-dev.txt
	$(PYTHON) -m bandit --quiet -ll --configfile pyproject.toml --recursive app.py chalicelib tools

lint-workflows: $(VENV)/ready ## Lint the workflows by their schema and by a linter of their security
	$(PYTHON) -m check_jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(VENV)/bin/zizmor --quiet --offline --persona auditor .github

docs: $(VENV)/ready ## Write what the documents repeat from the code
	@exec $(PYTHON) -m tools.documents

openapi: $(VENV)/ready ## Write the API's document, which GET /openapi.json answers, from the routes and their types
	@exec $(PYTHON) -m tools.contract

lint-contract: $(VENV)/ready ## Judge the API's documents by two validators and two linters, which npm fetches
	@exec $(PYTHON) -m tools.contract.lint

tour: $(VENV)/ready ## Walk through every route of the open shop, and say what was sent and what came: the ports of make run
	@exec $(PYTHON) -m tools.tour

clients: $(VENV)/ready ## Write the clients of the API into out/clients: Python, and TypeScript where npm is
	@exec $(PYTHON) -m tools.clients

costs: $(VENV)/ready ## Measure what each route costs: calls, capacity and latency, with 1,000 and with 100,000 products
	@exec $(PYTHON) -m bench.route_costs --write docs/budgets.md

cost: $(VENV)/ready ## Say what a month of a stage costs: LOAD=3000/day STAGE=prod MS=120 FREE_TIER=1
	@test -n "$(LOAD)" || { echo "Which load? make cost LOAD=3000/day" >&2; exit 2; }
	@MS="$(MS)" FREE_TIER="$(FREE_TIER)" exec $(PYTHON) -m tools.cost "$(LOAD)" $(STAGE)

cost-units: $(VENV)/ready ## Measure anew what make cost computes with: capacity, time and bytes of requests and functions
	@exec $(PYTHON) -m bench.cost_units

scaling: $(VENV)/ready ## Say what a day with a flash sale does to capacity that is scaled, and what that costs
	@exec $(PYTHON) -m tools.cost.scaling

import: $(VENV)/ready ## Read a catalogue into the shop: FILE=products.csv
	@test -n "$(FILE)" || { echo "Which file? make import FILE=products.csv" >&2; exit 2; }
	@exec $(PYTHON) -m tools.catalogue import "$(FILE)"

export: $(VENV)/ready ## Write the catalogue to a file: FILE=products.csv
	@test -n "$(FILE)" || { echo "Which file? make export FILE=products.csv" >&2; exit 2; }
	@exec $(PYTHON) -m tools.catalogue export "$(FILE)"

audit: $(VENV)/ready ## Recompute stock and payments from the records, and say what drifts
	@exec $(PYTHON) -m tools.audit

redrive: $(VENV)/ready ## Deliver once more what could not be handled, after its cause is mended
	@exec $(PYTHON) -m tools.redrive

recompute: $(VENV)/ready ## Recompute search index, categories' numbers, stock in lists, histories, incidents: CHECK=1 only tells
	@exec $(PYTHON) -m tools.recompute $(if $(CHECK),--check)

job: $(VENV)/ready ## Do a scheduled function's work: NAME=summarise_sales AT=2026-11-20T00:30:00Z AGAIN=1
	@test -n "$(NAME)" || { echo "Which function? make job NAME=summarise_sales" >&2; exit 2; }
	@exec $(PYTHON) -m tools.jobs "$(NAME)" $(if $(AT),--at "$(AT)") $(if $(AGAIN),--again)

stages: $(VENV)/ready ## Write .chalice/config.json and the policies from the settings files in stages/
	@exec $(PYTHON) -m tools.stages

account: $(VENV)/ready ## Make what an account has once in a region, and the role of who deploys: TRUSTED=arn:… GITHUB=owner/name SAFETY="trail backups" YES=1
	@exec $(PYTHON) -m tools.stages.account $(if $(TRUSTED),"$(TRUSTED)") $(if $(GITHUB),--github "$(GITHUB)") $(if $(SAFETY),--safety "$(SAFETY)")

resources: $(VENV)/ready ## Show what would change in a stage's table, bucket, secrets …, and do it: STAGE=prod YES=1
	@exec $(PYTHON) -m tools.stages.resources $(STAGE)

plan: $(VENV)/ready ## Say what a release would change in both stacks of SAM, and change nothing: STAGE=prod PULL_REQUEST=12
	$(KNOWN_FORMAT)
	@test "$(FORMAT)" = sam || { echo "A plan by Terraform is what make release FORMAT=$(FORMAT) shows before it asks." >&2; exit 2; }
	@exec $(PYTHON) -m tools.delivery plan $(STAGE) $(if $(PULL_REQUEST),--pull-request $(PULL_REQUEST))

release: $(VENV)/ready ## Ship this code to a stage: shown, tried as a customer, shifted, watched: STAGE=prod YES=1 SMOKE=0 FORMAT=sam
	$(NAMED_STAGE)
	$(KNOWN_FORMAT)
	@exec $(PYTHON) -m tools.release release $(STAGE) --format $(FORMAT) $(if $(filter 0,$(SMOKE)),--without-smoke)

rollback: $(VENV)/ready ## Let the release before serve again, within seconds: STAGE=prod FORMAT=sam
	$(NAMED_STAGE)
	$(KNOWN_FORMAT)
	@exec $(PYTHON) -m tools.release rollback $(STAGE) --format $(FORMAT)

smoke: $(VENV)/ready ## Buy in a deployed stage as a customer, and leave nothing behind: STAGE=prod
	$(KNOWN_FORMAT)
	@exec $(PYTHON) -m tools.release smoke $(STAGE) --format $(FORMAT)

release-notes: $(VENV)/ready ## Tag this commit as what serves, and tell on GitHub what it brings: STAGE=prod
	$(NAMED_STAGE)
	@exec $(PYTHON) -m tools.delivery notes $(STAGE)

notify: $(VENV)/ready ## Tell a webhook how a deployment ended: STAGE=prod NOTIFY_WEBHOOK=https://… RESULT=success
	$(NAMED_STAGE)
	@exec $(PYTHON) -m tools.delivery notify $(STAGE)

admin: STAGE := $(if $(filter file,$(origin STAGE)),local,$(STAGE))
admin: $(VENV)/ready ## Make an admin of a stage, such as its first: EMAIL=ada@example.com STAGE=local
	@test -n "$(EMAIL)" || { echo "Whom? make admin EMAIL=ada@example.com STAGE=dev" >&2; exit 2; }
	@STAGE=$(STAGE) exec $(PYTHON) -m tools.admin "$(EMAIL)"

address: $(VENV)/ready ## Say where a stage's API answers: STAGE=prod
	$(KNOWN_FORMAT)
	@exec $(PYTHON) -m tools.release address $(STAGE) --format $(FORMAT)

api-key: $(VENV)/ready ## Make a key of the API in a plan, or delete it: STAGE=… PLAN=free NAME=acme DELETE=1
	$(NAMED_STAGE)
	@test -n "$(NAME)" || { echo "Whose? make api-key STAGE=dev PLAN=free NAME=acme" >&2; exit 2; }
	@exec $(PYTHON) -m tools.stages.api_keys $(STAGE) "$(NAME)" $(if $(PLAN),--plan "$(PLAN)") $(if $(filter 1,$(DELETE)),--delete)

payment-keys: $(VENV)/ready ## Put the keys of the payment provider into a stage: STAGE=prod FILE=payment.json
	$(NAMED_STAGE)
	@test -n "$(FILE)" || { echo "Which file? make payment-keys STAGE=dev FILE=payment.json" >&2; exit 2; }
	@exec $(PYTHON) -m tools.stages.secrets pay $(STAGE) "$(FILE)"

rotate: $(VENV)/ready ## Make another signing key, and wait until it is in use: STAGE=prod
	$(NAMED_STAGE)
	@exec $(PYTHON) -m tools.stages.secrets rotate $(STAGE)

ring: $(VENV)/ready ## Let an alarm of a stage ring, to see that it arrives: STAGE=prod
	$(NAMED_STAGE)
	@exec $(PYTHON) -m tools.stages.ringing $(STAGE)

remove: $(VENV)/ready ## Take a stage away, but for what holds data: STAGE=trial; FORMAT=terraform with its data
	$(NAMED_STAGE)
	$(KNOWN_FORMAT)
	@exec $(PYTHON) -m $(if $(filter terraform,$(FORMAT)),tools.release remove $(STAGE) --format terraform,tools.stages.removal $(STAGE))

preflight: $(VENV)/ready ## Say what is missing or wrong before a release, in one list: STAGE=prod
	@exec $(PYTHON) -m tools.stages.preflight $(STAGE)

restore: $(VENV)/ready ## Make a table of a stage as it was: STAGE=… AT=2026-11-28T01:30:00Z, or FROM=s3://…; SWITCH=1 moves the stage to it
	$(NAMED_STAGE)
	@exec $(PYTHON) -m tools.restore restore "$(STAGE)" $(if $(AT),--at "$(AT)") $(if $(FROM),--from "$(FROM)") $(if $(TO),--to "$(TO)") $(if $(SWITCH),--switch)

backup: $(VENV)/ready ## Export the table of a stage to S3: STAGE=… AT=… BUCKET=…
	$(NAMED_STAGE)
	@exec $(PYTHON) -m tools.restore backup "$(STAGE)" $(if $(AT),--at "$(AT)") $(if $(BUCKET),--bucket "$(BUCKET)")

close: $(VENV)/ready ## Close a deployed shop within seconds, such as for a restore: STAGE=…
	$(NAMED_STAGE)
	@exec $(PYTHON) -m tools.restore close "$(STAGE)"

open: $(VENV)/ready ## Open a shop that was closed: STAGE=…
	$(NAMED_STAGE)
	@exec $(PYTHON) -m tools.restore open "$(STAGE)"

package: $(VENV)/ready ## Make the artifacts of a stage in out/, for SAM or for Terraform: STAGE=prod FORMAT=sam
	$(KNOWN_FORMAT)
	$(PYTHON) -m tools.package $(STAGE) out --format $(FORMAT)
	$(if $(filter sam,$(FORMAT)),$(VENV)/bin/cfn-lint out/sam.json)

viewer: $(VENV)/ready ## Fetch the viewer of GET /docs anew, as it is pinned, and note what the page loads
	@exec $(PYTHON) -m tools.viewer

chalice-deploy: $(VENV)/ready ## Deploy a stage by Chalice instead of SAM, or go on with it: STAGE=dev
	@test "$(origin STAGE)" != file || { echo "Which stage? make chalice-deploy STAGE=dev" >&2; exit 2; }
	@exec $(PYTHON) -m tools.package.deploy $(STAGE)

chalice-delete: $(VENV)/ready ## Take away what make chalice-deploy made; the stage's resources stay: STAGE=dev
	@test "$(origin STAGE)" != file || { echo "Which stage? make chalice-delete STAGE=dev" >&2; exit 2; }
	@exec $(PYTHON) -m tools.package.deploy $(STAGE) --delete

clean: ## Forget the virtual environment, the packages and the demo shop's data
	rm -rf $(VENV) $(LINTERS) out .chalice/deployments "$(STATE_DIR)"

$(VENV)/ready: requirements.txt requirements-dev.txt
	@base=; for name in $(or $(BASE_PYTHON),python3.13 python3.12 python3.11 python3); do \
		$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && base=$$name && break; \
	done; \
	test -n "$$base" || { echo "Python 3.11 or newer is needed, and there is none on the PATH." >&2; exit 1; }; \
	echo "Preparing $(VENV), once."; \
	$$base -m venv $(VENV) >/dev/null 2>&1 || { rm -rf $(VENV); \
		echo "$$base cannot make virtual environments: install its venv package." >&2; exit 1; }
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

$(LINTERS)/ready: requirements-lint.txt | $(VENV)/ready
	@echo "Preparing $(LINTERS), once."
	@$(PYTHON) -m venv --clear $(LINTERS)
	@$(LINTERS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-lint.txt
	@touch $@
