# What can be done here; `make help` lists it. DEMO=once ends the demo after its story; PORT= moves its ports.
.PHONY: help setup demo test check bench compiled soak schemas migrations run clean
READY := .venv/.ready
export DEMO PORT

help: ## list what can be done
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 14
setup: $(READY) ## install everything into .venv; the command is .venv/bin/emall
demo: setup ## play the roaming story between two external platforms and our own parties
	@.venv/bin/python -m examples.demo
test: setup ## run all tests, on SQLite and on PostgreSQL (TEST_POSTGRES=skip: only on SQLite)
	@.venv/bin/pytest -n 2 --dist loadfile
check: setup ## style, types, import contracts, schemas, migrations
	@.ci/check
bench: ## measure against the targets, with the best Python at hand and compiled; writes docs/benchmarks.md
	@.ci/bench
	@.venv/bin/python -m bench
compiled: setup ## compile the way of a message: half again as fast; needs a C compiler
	@.venv/bin/python -m hub.compiling
soak: setup ## the long tests: many kills, mutation of rules
	@SOAK=1 .venv/bin/pytest
schemas: setup ## write schemas/ from the declarations
	@.venv/bin/python -m hub.ocpi.versions.publish
migrations: setup ## write hub/migrations/ from the tables
	@.venv/bin/python -m hub.migrations
run: setup ## serve on 127.0.0.1, PORT or 8000, data in ./data
	@.venv/bin/emall serve --port $(or $(PORT),8000)
clean: ## remove what the others made
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache dist demo-data hub/_compiled

$(READY): uv.lock pyproject.toml .ci/setup
	@.ci/setup
	@touch $@
