# Every target that needs an environment makes it first; if the environment is up to date, that costs milliseconds.
.DEFAULT_GOAL := help
.SILENT:
.PHONY: help run report test format schema bench benchrecbole benchbackbones benchllm benchshards benchcosts benchreliability setup clean lock

ARGS ?=
# the tools call one another (snakefmt calls shfmt), so the path of one tool is not enough
IN_ENV := PATH="$(CURDIR)/.venv/bin:$$PATH"

help:  ## list what can be made
	echo 'make TARGET [ARGS="…"]'
	sed -nE 's/^([a-z]+):[^#]*## (.*)/  \1\t\2/p' Makefile | expand -t 10

run: setup  ## run the workflow; ARGS go to snakemake: ARGS="table1", ARGS="-n"
	$(IN_ENV) snakemake --cores all $(ARGS)

report: setup  ## one page with all tables, figures and certificates of the run; ARGS go to snakemake
	$(IN_ENV) snakemake --cores all report $(ARGS)

# two processes, each with whole files in the order of tests/conftest.py
test: setup  ## style, lint, drift of what `make schema` writes, then the tests; ARGS go to pytest: ARGS="-k sisa -m 'not slow'", "-n 0"
	$(IN_ENV) ruff check .
	$(IN_ENV) ruff format --check .
	$(IN_ENV) snakefmt --check Snakefile workflow
	$(IN_ENV) snakemake --lint
	$(IN_ENV) python -m cragru.plan.schema --check
	$(IN_ENV) python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

format: setup  ## bring all code into the project's style
	$(IN_ENV) ruff check --fix .
	$(IN_ENV) ruff format .
	$(IN_ENV) snakefmt Snakefile workflow

schema: setup  ## write the configuration's JSON schemas and config/README.md anew, after a change to its models or to config.yaml
	$(IN_ENV) python -m cragru.plan.schema

bench: setup  ## how time and memory grow at three sizes, beside RecBole's in an environment of its own; ARGS go to the benchmark
	bash envs/install.sh .venv-recbole recbole
	$(IN_ENV) PYTHONPATH=. python tests/benchmarks/sizes.py $(ARGS)

benchrecbole: setup  ## train both libraries to the end on the same splits: their metrics and speed; ARGS go to the benchmark
	bash envs/install.sh .venv-recbole recbole
	$(IN_ENV) python tests/benchmarks/against_recbole.py $(ARGS)

benchbackbones: setup  ## how good the backbones are, beside tuned simpler models, on one split; ARGS go to the benchmark
	$(IN_ENV) PYTHONPATH=. python tests/benchmarks/backbones.py $(ARGS)

benchllm: setup  ## speed and repeatability of scoring with the LLM, on the prompts of a finished run; ARGS go to the benchmark
	$(IN_ENV) python tests/benchmarks/scoring.py $(ARGS)

benchshards: setup  ## time shards that are trained together against one model; ARGS go to the benchmark
	$(IN_ENV) PYTHONPATH=. python tests/benchmarks/shards.py $(ARGS)

benchcosts: setup  ## make Table III alone and beside busy processes; ARGS go to the benchmark
	$(IN_ENV) PYTHONPATH=. python tests/benchmarks/costs.py $(ARGS)

benchreliability: setup  ## kill a toy run, fill its disk, flip bits of its files; ARGS go to the benchmark
	$(IN_ENV) PYTHONPATH=. python tests/benchmarks/reliability.py $(ARGS)

setup:  ## make or refresh the environment .venv (CRAGRU_LOCK=cpu or cuda overrules the choice of its lock)
	bash envs/install.sh .venv

# results/ with a slash: it may be a link to another disk
clean:  ## delete results, but keep downloads and a language model's answers
	find results/ -mindepth 1 -maxdepth 1 ! -name README.md ! -name raw ! -name llm -exec rm -r {} +

lock:  ## (maintainers, needs uv) resolve envs/*.in into locks; ARGS=--upgrade moves every pin
	bash envs/lock.sh $(ARGS)
