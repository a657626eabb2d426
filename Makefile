# Everything a person does with this repository. `make` alone says what there is.
.DEFAULT_GOAL := help
.PHONY: help run demo docs secrets bases reconcile test test-all test-long record test-containers upgrade-drill drill faults capacity rehearse preflight backup check bench bench-figures bench-forms bench-uploads bench-queue bench-mail bench-deadline bench-pages bench-workbench bench-applicant bench-case bench-pressed bench-costs format bench-documents screenshots

PYTHON := .venv/bin/python
# `make run gateway=2 documents=2`: how many processes of each.
WORKERS := $(foreach worker,gateway applications relay documents notify-worker synthetic,$(if $($(worker)),$(worker)=$($(worker))))
# A worker more than there are cores, since tests wait as well. Each has servers of its own; tests/conftest.py says what
# stays together and what begins first.
ON_EVERY_CORE := -n $(shell echo $$(($$(nproc) + 1))) --dist loadscope --no-loadscope-reorder
# Where a shell forbids byte code, every process compiles everything anew.
unexport PYTHONDONTWRITEBYTECODE
# What is Kubernetes' own; KEDA's resources and kustomizations have no schema here.
MANIFESTS := $(filter-out %kustomization.yaml %keda.yaml,$(wildcard deploy/k8s/*.yaml deploy/k8s/*/*.yaml deploy/k8s-example/*.yaml))

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## start the whole system here (gateway=2, applications=2, documents=2: two processes of each); Ctrl-C stops it
	@deploy/bootstrap.sh run
	@exec $(PYTHON) -m deploy.local run $(WORKERS)

demo: ## an application's whole way, told to the running system or to one started for it
	@deploy/bootstrap.sh run
	@$(PYTHON) -m deploy.demo

reconcile: ## accepted submissions = revisions = PDFs = mails? asked of the running system
	@$(PYTHON) -m deploy.local exec applications reconcile

test: ## the tests that every change must pass, on every core
	@deploy/bootstrap.sh test
	@$(PYTHON) -m pytest -m "not slow" $(ON_EVERY_CORE) $(ARGS)

test-all: ## these and the long ones: faults in real processes, Debian's own servers, RabbitMQ, S3, ClamAV
	@deploy/bootstrap.sh test-all
	@$(PYTHON) -m pytest $(ON_EVERY_CORE) $(ARGS)

test-long: ## all of them, and more of what is played by chance: for a night in which nobody waits
	@deploy/bootstrap.sh test-all
	@$(PYTHON) -m pytest --long $(ON_EVERY_CORE) $(ARGS)

record: ## add what operations answer and refuse, as tests meet it, to shared/contract/recorded.json: a change of the contract
	@deploy/bootstrap.sh test
	@$(PYTHON) -m pytest -q --record -p no:xdist -m "not slow" tests/integration $(ARGS)

test-containers: ## the deployment on a real engine: from empty volumes through kills, an upgrade and a restore
	@deploy/bootstrap.sh test
	@$(PYTHON) -m pytest -q tests/containers $(ARGS)

upgrade-drill: ## from the last release (or FROM=revision) to this code under load: no request may fail; the figures
	@deploy/bootstrap.sh test
	@GM_UPGRADE_FROM=$(FROM) $(PYTHON) -m pytest -q tests/containers/test_containers.py -k upgrade $(ARGS)

drill: ## PostgreSQL lost with its disk under load: a standby takes over, an archive is restored; RPO and RTO
	@deploy/bootstrap.sh test-all
	@$(PYTHON) -m pytest -q -n 0 tests/production/test_loss_of_the_database.py $(ARGS)

faults: ## every row of the fault matrix in real processes, and a table of how each ended
	@deploy/bootstrap.sh test-all
	@$(PYTHON) -m pytest -q -m fault $(ARGS)

capacity: ## how many of each process a night needs: ARGS="--enterprises 20000 --minutes 10"; a table and a chart
	@deploy/bootstrap.sh test
	@$(PYTHON) -m tests.load.capacity $(ARGS)

rehearse: ## deadline night: ARGS="--enterprises 2000 --minutes 10"; a report page, and counts that must be equal
	@deploy/bootstrap.sh test
	@$(PYTHON) -m tests.load.rehearsal $(ARGS)

preflight: ## is the system that runs here fit for deadline night? a table, asked of every service
	@$(PYTHON) -m deploy.preflight

backup: ## TO=folder: database and store of the system that runs here (docs/operating/backup.md: restore)
	@$(PYTHON) -m deploy.backup create $(if $(TO),--to $(TO))

secrets: ## production.env: every key and password of a production, made once and never written over
	@deploy/bootstrap.sh run
	@$(PYTHON) -m deploy.production_env

bases: ## ask the registries which of the images that ours begin with, or run beside, have moved; WRITE=1 writes it
	@deploy/bootstrap.sh run
	@$(PYTHON) -m deploy.bases $(if $(WRITE),--write)

check: ## formatting, lint, types, walls between the services, Compose file, manifests; the published forms as they were
	@deploy/bootstrap.sh test
	@.venv/bin/ruff format --check --quiet .
	@.venv/bin/ruff check --quiet .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@.venv/bin/check-jsonschema --builtin-schema vendor.compose-spec deploy/compose.yaml
	@.venv/bin/kubernetes-validate --strict --quiet -k 1.33.0 $(MANIFESTS)
	@$(PYTHON) -m deploy.forms check

docs: ## write the generated pages of docs/: decisions, errors, routes, settings, states
	@deploy/bootstrap.sh run
	@$(PYTHON) -m deploy.docs

bench: bench-figures bench-forms bench-documents bench-deadline bench-uploads bench-queue bench-mail ## all of them

bench-figures: ## what our work costs: 暂存 and submissions beside a bare pair, a million rows beside a thousand, the relay, two of each beside one
	@deploy/bootstrap.sh test
	@$(PYTHON) -m tests.load.figures $(ARGS)

bench-forms: ## what validating an application and loading the forms cost, beside a naive baseline
	@deploy/bootstrap.sh test
	@$(PYTHON) -m tests.load.forms

bench-documents: ## what a document costs beside stock WeasyPrint and a warm Chromium: CPU, size, memory, two workers
	@deploy/bootstrap.sh test
	@$(PYTHON) -m tests.load.documents

bench-deadline: ## the queue of documents: two workers beside one, and how far off the seconds are that people are told
	@deploy/bootstrap.sh test
	@$(PYTHON) -m tests.load.deadline

bench-uploads: ## memory of gateway and applications while files go up and down, beside the files' size
	@deploy/bootstrap.sh test
	@$(PYTHON) -m tests.load.uploads

bench-mail: ## 2,000 returns at once in an SMTP sink, each once; delivery beside smtplib alone
	@deploy/bootstrap.sh test
	@$(PYTHON) -m tests.load.mail

bench-queue: ## the reviewers' queue with 200,000 cases beside the same with 2,000
	@deploy/bootstrap.sh test
	@$(PYTHON) -m tests.load.queue

bench-pages: ## what a form page of 120 fields and 60 rows costs, and 我的项目 with 200,000 applications beside 200
	@deploy/bootstrap.sh test
	@$(PYTHON) -m tests.load.pages

bench-workbench: ## what a preview and lint of a form of 120 fields cost its author, beside those of a small form
	@deploy/bootstrap.sh test
	@$(PYTHON) -m tests.load.workbench

bench-applicant: ## CPU of all services for 保存表单 with the page after it, a form page, 暂存, 我的项目 beside an earlier commit: ARGS=commit
	@deploy/bootstrap.sh test
	@$(PYTHON) -m tests.load.applicant $(ARGS)

bench-pressed: ## CPU of a 提交申请 with its page while many press at once, workers at work, beside an earlier commit: ARGS=commit
	@deploy/bootstrap.sh test
	@$(PYTHON) -m tests.load.pressed $(ARGS)

bench-case: ## CPU of all services for a case, the queue and an expert's case beside an earlier commit: ARGS=commit
	@deploy/bootstrap.sh test
	@$(PYTHON) -m tests.load.case $(ARGS)

bench-costs: ## CPU of each step of an evening, all processes together; a refusal beside a page, with thousands in line
	@deploy/bootstrap.sh test
	@$(PYTHON) -m tests.load.rehearsal.costs

screenshots: ## every page at three widths, into var/screenshots, to be looked at
	@deploy/bootstrap.sh test
	@$(PYTHON) -m tests.e2e.screenshots

format: ## put every file in its usual form
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .
