# `make help` lists the tasks.  Each sees to its own environment first.

ifeq ($(OS),Windows_NT)
inside := .venv/Scripts/python
else
inside := .venv/bin/python
endif
export PYTHON
# what the machine with a GPU is counted on to have: requirements-gpu.txt is the rest
there := attrs click cloudpickle fsspec jinja2 markupsafe matplotlib networkx numpy \
	packaging psutil pygments pyyaml six threadpoolctl toolz typing-extensions \
	python-dateutil zipp
ready = @sh tools/environment.sh

.DEFAULT_GOAL := help
.PHONY: help environment book test style notebooks notebooks-test notebooks-oldest
.PHONY: wheel exercises verify student-site test-slow bench outofcore gpu gpu-environment gpu-bundle records links lock upgrade
.PHONY: clean clean-all

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

exercises:  ## make exercise pages and notebooks from their masters in solutions/
	$(ready)
	@$(inside) -m tools.exercises build $(SET)

verify:  ## prove every set of exercises, or one: SET=numpy
	$(ready)
	@$(inside) -m tools.exercises verify $(SET)

student-site:  ## the site without solutions, in _build/student/html
	$(ready)
	@$(inside) -m tools.student

test-slow:  ## what takes minutes: the same marks by three graders
	$(ready)
	@$(inside) -m pytest -m slow --durations=5

bench:  ## time all implementations on this machine and write its record
	$(ready)
	@$(inside) -m tools.bench

outofcore:  ## 80 GB within 4 GiB, enforced by the system (Linux); writes its record
	$(ready)
	@$(inside) -m tools.outofcore

gpu:  ## on a machine with a CUDA GPU: execute all, check, time, write its record
	$(ready)
	@$(inside) -m tools.gpu $(GPU)

gpu-environment:  ## add the libraries for that GPU to .venv; CUDA=12 for older ones
	$(ready)
	@grep -v '^cuda-' requirements.txt >.venv/cuda.txt # CUDA's own follow its version
	@$(inside) -m pip uninstall --quiet --yes cupy-cuda12x cupy-cuda13x && \
	$(inside) -m pip install --quiet --constraint .venv/cuda.txt \
	--editable ".[cuda$(or $(CUDA),13)]"

gpu-bundle:  ## pack the course, and wheels, for a machine with a GPU and no network
	$(ready)
	@$(inside) -m tools.bundle _build/gpu/course.zip --wheels _build/gpu/wheels

records:  ## list which records are present, stale and missing
	$(ready)
	@$(inside) -m tools.records

links:  ## ask every address that the course names whether it is still there
	$(ready)
	@$(inside) -m tools.links $(if $(REPORT),--report "$(REPORT)")

lock:  ## write requirements.txt from pyproject.toml; what is pinned stays
	$(ready)
	@$(inside) -m uv pip compile --quiet \
	$(UPGRADE) --universal --python-version 3.11 --no-emit-index-url \
	--extra cpu --extra book --extra test --custom-compile-command "make lock" \
	pyproject.toml --output-file requirements.txt
	@$(inside) -m uv pip compile --quiet --no-emit-index-url --upgrade \
	--python-version 3.12 --python-platform x86_64-manylinux_2_28 \
	--constraint requirements.txt --extra gpu $(addprefix --no-emit-package ,$(there)) \
	--custom-compile-command "make lock (what that machine with Python 3.12 lacks)" \
	pyproject.toml --output-file requirements-gpu.txt

upgrade:  ## the same with the newest version of everything
	@$(MAKE) lock UPGRADE=--upgrade

clean:  ## remove what the build made; executed notebooks too
	rm -rf _build dist .pytest_cache .ruff_cache

clean-all: clean  ## remove .venv too
	rm -rf .venv *.egg-info
