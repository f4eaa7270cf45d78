# What the rules share: the checked configuration, wildcards, and functions that say what a rule depends on.
import os
import re
import sys
from pathlib import Path

from cragru.config.project import ORIGINAL, RETRAIN, load_project
from cragru.digest import code_digest
from cragru.errors import CragruError

ROOT = Path(workflow.basedir)

try:
    project = load_project(config, ROOT)
except CragruError as error:
    sys.exit(f"cragru: {error}")  # one line instead of Snakemake's traceback

RUN = project.settings.run
STATE = "results/{dataset}/{protocol}/{seed}"
REQUEST = f"{STATE}/{{request}}"


def one_of(names):
    """A wildcard constraint that matches these names and, where there is none, nothing at all."""
    return "|".join(re.escape(str(name)) for name in names) or "(?!)"


def protocols_in_order(order):
    """Names of the protocols that forget first, or split first."""
    return [
        name for name, protocol in project.protocols.items() if protocol.order == order
    ]


wildcard_constraints:
    dataset=one_of(project.registry.datasets),
    protocol=one_of(project.protocols),
    seed=r"\d+",
    request=r"[A-Za-z0-9][A-Za-z0-9.-]*",
    backbone=one_of(project.params.backbones),
    method=one_of(project.params.methods),
    again=one_of(project.params.methods),
    model=one_of([ORIGINAL, *project.params.methods]),
    run=re.escape(RUN),
    source="original|retrain",
    strategy=one_of(project.params.strategies),
    order="backbone|shuffled",
    llm=one_of(project.llms.llms),
    score="text",
    cohort=one_of(project.settings.scoring.cohorts),
    batch="[A-Za-z0-9./-]+",
    share=r"\d+",
    shares=r"\d+",


SHARDED = [n for n, entry in project.params.methods.items() if entry.partition]
UNSHARDED = [n for n in project.params.methods if n not in SHARDED]


def repository_file(path):
    """A file that the configuration names, as seen from the working directory: manifests hold no absolute path."""
    return os.path.relpath(ROOT / path)


def registry_entry(wildcards):
    """The data set's entry in datasets.yaml."""
    entry = project.registry.datasets[wildcards.dataset]
    return entry.model_dump(mode="json", exclude={"prompt"})  # new words fetch nothing


def forget(wildcards):
    """What the protocol forgets."""
    return project.protocols[wildcards.protocol].forget.model_dump()


def ratios(wildcards):
    """The protocol's shares of train, validation and test."""
    return list(project.protocols[wildcards.protocol].ratios)


def request_check(wildcards):
    """The check of all requests, for a protocol that takes them from files."""
    if forget(wildcards)["kind"] != "file":
        return []
    return f"results/{wildcards.dataset}/{wildcards.protocol}/requests.json"


def request_files(wildcards, input):
    """Every request's file, to be checked before the deployed state is split and trained.

    Not an input, and a function of `input`, whose values Snakemake does not track: a further request must not make the
    deployed state anew (`apply_request` checks it). `ancient` does not help: what is behind it is then never planned,
    https://github.com/snakemake/snakemake/issues/4166.
    """
    return list(project.settings.requests.files.values())


def request_file(wildcards):
    """The file of a request, or nothing where a user is drawn."""
    if forget(wildcards)["kind"] != "file":
        return []
    files = project.settings.requests.files
    if wildcards.request not in files:
        known = ", ".join(files) or "none"
        raise WorkflowError(
            f"request {wildcards.request!r}: not in the config key requests.files (known: {known})"
        )
    return files[wildcards.request]


def request_number(wildcards):
    """Which draw a request is, or None where it comes from a file."""
    names = project.requests(wildcards.protocol)
    if forget(wildcards)["kind"] == "file":
        return None
    if wildcards.request not in names:
        raise WorkflowError(
            f"request {wildcards.request!r}: requests.one_user allows {names[0]} to {names[-1]}"
        )
    return names.index(wildcards.request) + 1


def options(wildcards):
    """Hyper-parameters of the backbone on this data set."""
    return project.training_options(wildcards.dataset, wildcards.backbone)


def backbone_module(wildcards):
    """Module of the backbone."""
    return project.params.backbones[wildcards.backbone].module


def train_code(wildcards):
    """Digest of what trains an original model."""
    return code_digest("scripts/train_original.py", backbone_module(wildcards))


def model_after(wildcards):
    """The model that a request leaves behind: the original is the deployed state's."""
    state = STATE if wildcards.model == ORIGINAL else REQUEST
    return f"{state}/{{backbone}}/{{model}}/model.safetensors".format(**wildcards)


def strategy_module(wildcards):
    """Module of the retrieval strategy."""
    return project.params.strategies[wildcards.strategy].module


def strategy_options(wildcards):
    """What params.yaml gives the strategy."""
    return project.params.strategies[wildcards.strategy].options


def history_limit(wildcards):
    """K, or None where the strategy keeps whole histories."""
    whole = project.params.strategies[wildcards.strategy].whole
    return None if whole else project.settings.retrieval.history


def fit_code(wildcards):
    """Digest of what a strategy learns with."""
    return code_digest("scripts/fit_strategy.py", strategy_module(wildcards))


def select_code(wildcards):
    """Digest of what a strategy chooses with."""
    return code_digest("scripts/select_histories.py", strategy_module(wildcards))


def selections(wildcards):
    """What every strategy keeps, for every cell of the run under the paper's protocol."""
    settings = project.settings
    return expand(
        rules.select_histories.output.selection,
        dataset=settings.datasets,
        protocol="paper",
        seed=settings.seeds,
        backbone=settings.backbones,
        source=settings.retrieval.sources,
        strategy=settings.retrieval.strategies,
    )


def gpus(wildcards):
    """GPUs a training job asks for: one where the configuration demands CUDA."""
    return 1 if project.settings.device == "cuda" else 0
