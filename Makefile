# Two commands for a newcomer: `make demo` and `make test`. Everything they need is made in .venv/.
SHELL := /bin/bash
BIN := .venv/bin
# Two workers more than there are cores, as in scripts/test.sh.
WORKERS := $(shell echo $$(($$(nproc 2>/dev/null || echo 2) + 2)))

.PHONY: bench-peers bench-scale bench-check reliability demo test setup lint types imports fast slow torture format picture docs bench clean help

help:            ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## */\t/' | expand -t 14

demo: setup      ## run the demo: three runs of a real training job, then the dashboard
	@$(BIN)/python demo/demo.py

test: setup      ## every check and test
	@bash scripts/test.sh

setup:           ## make .venv with the project and its tools, if it is not up to date
	@bash scripts/setup.sh

lint: setup      ## ruff
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: setup     ## mypy --strict
	$(BIN)/mypy

imports: setup   ## who may import whom
	$(BIN)/lint-imports

fast: setup      ## the core suite: the spine, without what makes environments, wheels or terminals
	$(BIN)/pytest -m "not slow" -n $(WORKERS) --dist worksteal

slow: setup      ## the others
	$(BIN)/pytest -m slow -n $(WORKERS) --dist worksteal

torture: setup   ## kill processes at random for long: ROUNDS=1000 SEED=7 (FIRST=N ROUNDS=1 plays one again)
	$(BIN)/python -m tests.torture.many $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SEED),--seed $(SEED)) $(if $(FIRST),--first $(FIRST))

format: setup    ## let ruff rewrite
	$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

picture: setup   ## draw the README's picture of the dashboard
	$(BIN)/python scripts/dashboard_picture.py

docs: setup      ## write docs/cli-reference.md from the commands' own help, docs/sql.md from the views
	$(BIN)/python scripts/cli_reference.py && $(BIN)/python scripts/sql_reference.py

reliability: setup ## write docs/reliability.md from how the tests ended that were run last
	$(BIN)/python scripts/reliability.py

bench: setup     ## measure against the budgets and write docs/benchmarks.md
	$(BIN)/python benchmarks/run_all.py

bench-peers: setup ## the same work by other trackers (installs them in .venv-peers)
	$(BIN)/python benchmarks/run_all.py peers

bench-scale: setup ## a workspace of 10,000 runs and 1, 10 and 100 million points
	$(BIN)/python benchmarks/run_all.py scale

bench-check: setup ## compare the hot paths with those of commit BASE (default: HEAD~1)
	$(BIN)/python benchmarks/compare_commits.py $(or $(BASE),HEAD~1)

clean:           ## remove what was made here
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
