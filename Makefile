# `make help` lists the tasks.  Each sees to its own environment first.

ifeq ($(OS),Windows_NT)
inside := .venv/Scripts/python
else
inside := .venv/bin/python
endif
export PYTHON
ready = @sh tools/environment.sh

.DEFAULT_GOAL := help
.PHONY: help environment book test style notebooks notebooks-test notebooks-oldest
.PHONY: wheel bench lock upgrade clean clean-all

book:  ## execute every lecture here and build the site into _build/html
	$(ready)
	@$(inside) -m tools.book

test:  ## style, the book, all tests; prints the time of each stage
	@since=$$(date +%s); sh tools/environment.sh && \
	$(inside) -m tools.stages --since $$since

help:  ## list the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

environment:  ## make or update .venv, and nothing else
	$(ready)

style:  ## format the code, then check style and spelling
	$(ready)
	@$(inside) -m ruff format . && $(inside) -m tools.stages style

notebooks:  ## export every page as a clean notebook into _build/notebooks
	$(ready)
	@$(inside) -m tools.export

notebooks-test:  ## run them as a learner does, with the wheel alone
	$(ready)
	@$(inside) -m tools.learner

notebooks-oldest:  ## the same with the oldest versions, those of Colab
	$(ready)
	@$(inside) -m tools.learner --oldest

wheel:  ## build what the notebooks install, into dist and the site
	$(ready)
	@$(inside) -m tools.wheel

bench:  ## time all implementations on this machine and write its record
	$(ready)
	@$(inside) -m tools.bench

lock:  ## write requirements.txt from pyproject.toml; what is pinned stays
	$(ready)
	@$(inside) -m uv pip compile --quiet \
	$(UPGRADE) --universal --python-version 3.11 --no-emit-index-url \
	--extra cpu --extra book --extra test --custom-compile-command "make lock" \
	pyproject.toml --output-file requirements.txt

upgrade:  ## the same with the newest version of everything
	@$(MAKE) lock UPGRADE=--upgrade

clean:  ## remove what the build made; executed notebooks too
	rm -rf _build dist .pytest_cache .ruff_cache

clean-all: clean  ## remove .venv too
	rm -rf .venv *.egg-info
