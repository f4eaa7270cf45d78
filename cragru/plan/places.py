"""Where everything is under `results/`: the path grammar, once, for the rules, the plan and the audit.

A template has Snakemake's wildcards in braces: `/` stands between wildcards, `-` inside a name. Folders come first,
then the files that rules make in them, named after the folder. `results/README.md` says what each file holds.
"""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import PurePosixPath

from cragru.core.names import ORDERS_WITHOUT_LLM, RETRAIN
from cragru.core.names import RESULTS as RESULTS

# --- what one data set, state, request, model, candidate list or prompt is called: also in paths of logs and benchmarks
OF_STATE = "{dataset}/{protocol}/{seed}"
OF_REQUEST = f"{OF_STATE}/{{request}}"
OF_CANDIDATES = "{backbone}/{candidates_of}"
OF_STRATEGY = f"{OF_CANDIDATES}/{{strategy}}"
OF_SELECTION = f"{OF_STRATEGY}/{{history}}"
OF_PROMPTS = f"{OF_STRATEGY}/{{order}}/{{llm}}"
OF_SCORES = f"{OF_SELECTION}/{{order}}/{{llm}}/{{form}}/{{cohort}}"
OF_CELL = f"{OF_SCORES}/{{fusion}}"
OF_JOB = "{batch}/{share}-of-{shares}"  # one of the jobs that share a batch of prompts

LOGS = f"{RESULTS}/logs"
BENCHMARKS = f"{RESULTS}/benchmarks"

# --- data
RAW = f"{RESULTS}/raw/{{dataset}}"
PREPARED = f"{RESULTS}/{{dataset}}/prepared"
INTERACTIONS = f"{PREPARED}/interactions.parquet"
USERS = f"{PREPARED}/users.parquet"
ITEMS = f"{PREPARED}/items.parquet"
STATISTICS = f"{PREPARED}/statistics.json"
PREPARED_MANIFEST = f"{PREPARED}/manifest.json"
CHECKED_REQUESTS = f"{RESULTS}/{{dataset}}/{{protocol}}/requests.json"

# --- a deployed state, and what a single request makes of it
STATE = f"{RESULTS}/{OF_STATE}"
REQUEST = f"{RESULTS}/{OF_REQUEST}"
COHORT = f"{STATE}/cohorts/{{cohort}}.json"

FORGET, HELD_OUT, TRAIN, VALID, TEST = "forget", "forget-heldout", "train", "valid", "test"
FORGOTTEN_PARTS = (FORGET, HELD_OUT)
REMAINING_PARTS = (TRAIN, VALID, TEST)
PARTS = (*FORGOTTEN_PARTS, *REMAINING_PARTS)


def split_folder(folder: str) -> str:
    """Return the folder of a split: of `STATE` or `REQUEST`, with or without wildcards."""
    return f"{folder}/split"


def part_file(folder: str, part: str) -> str:
    """Return a part of a split: of `STATE` or `REQUEST`, with or without wildcards."""
    return f"{split_folder(folder)}/{part}.parquet"


def split_files(folder: str) -> dict[str, str]:
    """Return the files of a split.

    Args:
        folder: `STATE` or `REQUEST`, with or without wildcards.

    Returns:
        Paths by the names that rules give them.
    """
    parts = {name: part_file(folder, name) for name in PARTS}
    parts["held_out"] = parts.pop(HELD_OUT)
    split = split_folder(folder)
    return parts | {"record": f"{split}/split.json", "manifest": f"{split}/manifest.json"}


def remaining_files(folder: str) -> dict[str, str]:
    """Return what remains after a request, for training: the files of a split that hold nothing forgotten.

    Args:
        folder: `STATE` or `REQUEST`.

    Returns:
        Paths by the names that rules give their inputs.
    """
    split = split_files(folder)
    files = {name: split[name] for name in ("train", "valid", "record")}
    return files | {"statistics": STATISTICS}


def judged_files(folder: str) -> dict[str, str | list[str]]:
    """Return what a model is judged on: all parts of a split, by the names that rules give their inputs."""
    split = split_files(folder)
    return {
        "parts": list(split.values()),
        "record": split["record"],
        "interactions": INTERACTIONS,
        "statistics": STATISTICS,
    }


# --- models: the original one of a state, and each method's, of a state or after a request
OF_METHOD = "{backbone}/{method}"
OF_MODEL = "{backbone}/{model}"
ORIGINAL_FOLDER = f"{STATE}/{{backbone}}/original"
METHOD = f"{STATE}/{OF_METHOD}"
MODEL = f"{STATE}/{OF_MODEL}"
REQUEST_METHOD = f"{REQUEST}/{OF_METHOD}"
REQUEST_MODEL = f"{REQUEST}/{OF_MODEL}"
MODEL_FILE = "model.safetensors"
CURVE = "curve.csv"
MANIFEST = "manifest.json"
COST = "cost.json"
PER_USER = "per-user.parquet"
RECOMMENDED = "recommended.parquet"


def trained_files(folder: str) -> dict[str, str]:
    """Return what every training writes into a model's folder, by the names that rules give it."""
    return {
        "model": f"{folder}/{MODEL_FILE}",
        "curve": f"{folder}/{CURVE}",
        "manifest": f"{folder}/{MANIFEST}",
    }


def unlearned_files(folder: str) -> dict[str, str]:
    """Return what every method writes into a model's folder, by the names that rules give it."""
    return trained_files(folder) | {"cost": f"{folder}/{COST}"}


# --- shards: as they are deployed ahead of a request, and after it
BEFORE = f"{METHOD}/before"
PARTITION = f"{BEFORE}/partition.parquet"
PARTITION_MANIFEST = f"{BEFORE}/partition-manifest.json"
SHARDS = f"{BEFORE}/shards"
SHARDS_CURVE = f"{BEFORE}/{CURVE}"
SHARDS_MANIFEST = f"{BEFORE}/{MANIFEST}"
AFTER = "after"
SHARD = "shard-{number:02d}.safetensors"


def renewed_files(folder: str) -> dict[str, str]:
    """Return what a method with shards adds to its folder, by the names that rules give it; `shards` is a folder."""
    return {
        "partition": f"{folder}/{AFTER}/partition.parquet",
        "shards": f"{folder}/{AFTER}/shards",
    }


TUNING = f"{METHOD}/tuning.csv"
TUNING_MANIFEST = f"{METHOD}/tuning-manifest.json"
DAMPING = f"{METHOD}/damping.csv"
DAMPING_MANIFEST = f"{METHOD}/damping-manifest.json"

# --- what a model, or a cell's lists, still know of the forgotten rows: held against so many further Retrains
AGAINST = "against-{shadows}-retrains"
MEASURED = {
    "membership": "membership.parquet",
    "completeness": "completeness.parquet",
    "forget_remain": "forget-remain.parquet",
}


def measured_files(folder: str) -> dict[str, str]:
    """Return what is measured of forgetting in the folder of a model or of a cell, by the names that rules give it."""
    return {name: f"{folder}/{AGAINST}/{file}" for name, file in MEASURED.items()}


RETRAIN_MODEL = f"{STATE}/{{backbone}}/{RETRAIN}/{MODEL_FILE}"
USER_GROUPS = f"{STATE}/{{backbone}}/groups/users.parquet"
ITEM_ROWS = f"{STATE}/{{backbone}}/groups/items.parquet"

# --- CRAGRU: candidates, what a strategy keeps of histories, prompts and what an LLM made of them
CANDIDATES_FOLDER = f"{STATE}/{{backbone}}/cragru/{{candidates_of}}"
# whose candidates they are
CANDIDATES_MODEL = f"{STATE}/{{backbone}}/{{candidates_of}}/{MODEL_FILE}"
CANDIDATES = f"{CANDIDATES_FOLDER}/candidates.parquet"
VALIDATION = f"{CANDIDATES_FOLDER}/validation.parquet"  # lists to choose weights on
CANDIDATES_MANIFEST = f"{CANDIDATES_FOLDER}/{MANIFEST}"
CONTROLS_FOLDER = f"{CANDIDATES_FOLDER}/controls"
CONTROLS_MANIFEST = f"{CONTROLS_FOLDER}/{MANIFEST}"
WEIGHTS = "weights.json"
STRATEGY = f"{CANDIDATES_FOLDER}/{{strategy}}"
FIT = f"{STRATEGY}/fit"
FIT_MANIFEST = f"{STRATEGY}/fit-manifest.json"
HISTORY = f"{STRATEGY}/{{history}}"
SELECTION = f"{HISTORY}/selection.parquet"
SELECTION_COST = f"{HISTORY}/selection-cost.json"
SELECTION_MANIFEST = f"{HISTORY}/{MANIFEST}"
SCORED = f"{HISTORY}/{{order}}/{{llm}}/{{form}}/{{cohort}}"
FUSION = "fusion.json"
FUSION_MANIFEST = "fusion-manifest.json"
CELL = f"{SCORED}/{{fusion}}"
SERVICE = (
    f"{REQUEST}/{{backbone}}/cragru/{{candidates_of}}/{{strategy}}/{{order}}/{{llm}}/requester"
)
PROMPTS = "prompts.jsonl"
PROMPTS_COST = "prompts-cost.json"
PROMPTS_MANIFEST = "prompts-manifest.json"
PROOF = "prompts-checked.json"
PROOF_MANIFEST = "prompts-checked-manifest.json"
SCORES = "scores.parquet"
LISTS = "reranked.parquet"
PER_USER_RANDOM_TIES = "per-user-random-ties.parquet"
PER_USER_NO_LLM = "per-user-no-llm.parquet"
RECOMMENDED_OF = {
    PER_USER: RECOMMENDED,
    PER_USER_RANDOM_TIES: "recommended-random-ties.parquet",
    PER_USER_NO_LLM: "recommended-no-llm.parquet",
}
"""Lists of a cell's users, by the results of the same lists."""


def controls_files(folder: str) -> dict[str, str]:
    """Return the results of each order that no LLM takes part in, by its name, in a folder of controls."""
    return {name: f"{folder}/per-user-{name}.parquet" for name in ORDERS_WITHOUT_LLM}


def prompt_files(folder: str) -> dict[str, str]:
    """Return what writing prompts puts into the folder of a cell or of a service, by the names that rules give it."""
    return {
        "prompts": f"{folder}/{PROMPTS}",
        "cost": f"{folder}/{PROMPTS_COST}",
        "manifest": f"{folder}/{PROMPTS_MANIFEST}",
    }


def proof_files(folder: str) -> dict[str, str]:
    """Return what checking prompts puts there, by the names that rules give it."""
    return {"checked": f"{folder}/{PROOF}", "manifest": f"{folder}/{PROOF_MANIFEST}"}


# --- language models
LLM = f"{RESULTS}/llm/{{llm}}"
LLM_FOLDER = f"{LLM}/model"
LLM_MANIFEST = f"{LLM}/{MANIFEST}"
ANSWERS = f"{LLM}/answers"
OF_VECTORS = "{llm}/vectors/{dataset}"
VECTORS_FOLDER = f"{RESULTS}/llm/{OF_VECTORS}"
VECTORS = f"{VECTORS_FOLDER}/vectors.safetensors"
VECTORS_COST = f"{VECTORS_FOLDER}/{COST}"
VECTORS_MANIFEST = f"{VECTORS_FOLDER}/{MANIFEST}"
RECEIPT = f"{LLM}/receipts/{OF_STATE}/{{form}}/{{cohort}}/{OF_JOB}.json"
SERVICE_RECEIPT = f"{LLM}/receipts/{OF_STATE}/requester/{OF_JOB}.json"

# --- what one configuration shows, by the name of its run
RUN = f"{RESULTS}/{{run}}"
TABLE = f"{RUN}/tables/{{table}}"
FIGURE = f"{RUN}/figures/{{figure}}"
TABLE_ENDINGS = ("csv", "md", "tex")
FIGURE_ENDINGS = ("csv", "pdf", "png", "tex")
DIFFERENCES = f"{TABLE}-differences.csv"
REPORT = f"{RUN}/report.html"
PACKAGE = f"{RUN}/{{run}}.crate.zip"
CERTIFICATES = f"{RUN}/certificates"
CERTIFICATE_FILE = "certificate.json"
PAGE_FILE = "certificate.md"
PURGED = f"{RESULTS}/{{purged}}"  # any file that a purge has deleted
PURGED_FILE = "purged.json"
RESTORED_FILE = "restored.json"


def certificate_files(folder: str) -> dict[str, str]:
    """Return what certifies a request, by the names that rules give it.

    Args:
        folder: `OF_STATE` or `OF_REQUEST`.
    """
    at = f"{CERTIFICATES}/{folder}"
    return {"certificate": f"{at}/{CERTIFICATE_FILE}", "page": f"{at}/{PAGE_FILE}"}


CERTIFICATE = certificate_files(OF_STATE)["certificate"]
REQUEST_CERTIFICATE = certificate_files(OF_REQUEST)["certificate"]
IN_SERVICE = f"{RUN}/in-service"
IN_SERVICE_ENDINGS = ("json", "md")


def ended(template: str, endings: tuple[str, ...]) -> dict[str, str]:
    """Return the files of a table or figure by their endings, which are the names that rules give them."""
    return {ending: f"{template}.{ending}" for ending in endings}


def place(template: str, **names: object) -> str:
    """Return a template with its wildcards filled in; names that it does not have are ignored.

    Raises:
        KeyError: If a wildcard has no name.
    """
    return template.format_map(names)


def filled(templates: Iterable[str], **names: object) -> list[str]:
    """Return templates with their wildcards filled in, each as `place` does it."""
    return [place(template, **names) for template in templates]


def is_at(template: str, path: str, **names: object) -> bool:
    """Return whether a path is one that a template gives.

    Args:
        template: With wildcards; each stands for one step of a path, or a part of it.
        path: Of a file or folder.
        **names: Wildcards that must have this value; the others may have any.
    """
    known = {name: str(value) for name, value in names.items()}
    pattern = _pattern(template, tuple(sorted(known.items())))
    return pattern.fullmatch(path) is not None


def is_under(template: str, path: str, **names: object) -> bool:
    """Return whether a path is in a folder that a template gives, however deep; as `is_at` else."""
    return any(
        is_at(template, folder.as_posix(), **names) for folder in PurePosixPath(path).parents
    )


@cache
def _pattern(template: str, names: tuple[tuple[str, str], ...]) -> re.Pattern[str]:
    """Return the pattern of a template's paths."""
    known = dict(names)
    pattern = ""
    for number, piece in enumerate(
        re.split(r"\{(\w+)\}", template)
    ):  # text, name, text, name, …, text
        if number % 2 == 0 or piece in known:
            pattern += re.escape(known[piece] if number % 2 else piece)
        else:
            pattern += "[^/]+"
    return re.compile(pattern)
