# What an LLM scores, and what the rules of that stage depend on: functions over the cells of the run.
from cragru.config.cells import Cell, cells_of, plain_cells, scored_cells
from cragru.config.llms import FolderSource, ServerSource

LLM_ROOM = "results/llm/{llm}"
COHORT = f"{STATE}/cohorts/{{cohort}}.json"
CELL = f"{STATE}/{{backbone}}/cragru/{{source}}/{{strategy}}/{{order}}/{{llm}}/{{score}}/{{cohort}}"
TOGETHER = "together"  # the batch of all cells of a data set, protocol and seed
CELLS = scored_cells(project)


def cell_file(cell, name, llm=None, cohort=None):
    """A file of a cell: of the run's LLM and cohort, unless others are asked for."""
    scoring = project.settings.scoring
    names = {"llm": llm or scoring.llm, "cohort": cohort or scoring.cohort}
    return f"{CELL}/{name}".format(**cell._asdict(), score="text", **names)


def cell_of(wildcards):
    """The cell whose file is wanted."""
    return Cell(*(getattr(wildcards, field) for field in Cell._fields))


def batch_name(cell, llm, cohort):
    """The batch that a cell is scored in, as the path of its receipts has it.

    What this run's tables and figures do not show, but a target asks for, is a batch of its own.
    """
    scoring = project.settings.scoring
    is_of_run = (llm, cohort) == (scoring.llm, scoring.cohort) and (
        cell._replace(seed=int(cell.seed)) in CELLS
    )
    if scoring.batch == "state" and is_of_run:
        return TOGETHER
    return f"{cell.backbone}/{cell.source}/{cell.strategy}/{cell.order}"


def batch_cells(wildcards):
    """The cells of a batch."""
    state = (wildcards.dataset, wildcards.protocol, int(wildcards.seed))
    if wildcards.batch == TOGETHER:
        return [cell for cell in CELLS if cell[:3] == state]
    return [Cell(*state, *wildcards.batch.split("/"))]


def batch_prompts(wildcards, name="prompts.jsonl"):
    """A file of every cell of a batch."""
    return [
        cell_file(cell, name, wildcards.llm, wildcards.cohort)
        for cell in batch_cells(wildcards)
    ]


def batch_checks(wildcards):
    """The proofs that belong to these prompts."""
    return batch_prompts(wildcards, "prompts-checked.json")


def cell_receipts(wildcards):
    """The receipts of all jobs that score a part of a cell's batch."""
    batch = batch_name(cell_of(wildcards), wildcards.llm, wildcards.cohort)
    shares = project.settings.scoring.jobs
    names = {**dict(wildcards.items()), "batch": batch, "shares": shares}
    return [RECEIPT.format(**names, share=share) for share in range(1, shares + 1)]


RECEIPT = (
    f"{LLM_ROOM}/receipts/{{dataset}}/{{protocol}}/{{seed}}/{{score}}/{{cohort}}/"
    "{batch}/{share}-of-{shares}.json"
)


def llm_source(wildcards):
    """Where the model comes from."""
    return project.llms.llms[wildcards.llm].model_dump(mode="json", include={"source"})


def llm_files(wildcards):
    """The files of a model that is a folder of this machine: new weights there are another model."""
    source = project.llms.llms[wildcards.llm].source
    folder = Path(source.path) if isinstance(source, FolderSource) else None
    if folder is None or not folder.is_dir():
        return []
    return sorted(str(path) for path in folder.iterdir() if path.is_file())


def llm_service(wildcards):
    """What answers depend on in the model's entry: not its label."""
    return project.llms.llms[wildcards.llm].model_dump(mode="json", exclude={"label"})


def llm_context(wildcards):
    """Most tokens of a prompt and its answer together."""
    return project.llms.llms[wildcards.llm].engine.context


def llm_threads(wildcards):
    """CPU threads of the engine, at the most; Snakemake gives no more than there are cores. One to wait for a server."""
    entry = project.llms.llms[wildcards.llm]
    return 1 if isinstance(entry.source, ServerSource) else entry.engine.threads


def llm_gpus(wildcards):
    """GPUs a scoring job asks for: none for a server, which has its own."""
    is_server = isinstance(project.llms.llms[wildcards.llm].source, ServerSource)
    return 0 if is_server else gpus(wildcards)


def tokenizer_room(wildcards, name="model"):
    """Model folder of the LLM, or of the one that counts tokens in a server's stead."""
    source = project.llms.llms[wildcards.llm].source
    llm = source.tokenizer if isinstance(source, ServerSource) else wildcards.llm
    return f"{LLM_ROOM}/{name}".format(llm=llm)


def tokenizer_manifest(wildcards):
    """What that folder holds."""
    return tokenizer_room(wildcards, "manifest.json")


def prompt_template(wildcards):
    """The data set's prompt template."""
    return repository_file(project.registry.datasets[wildcards.dataset].prompt)


def cohort_size(wildcards):
    """How many users the cohort is to have, or None for all."""
    return project.settings.scoring.cohorts[wildcards.cohort]


def forgotten_only(wildcards):
    """Whether the cohort's users must have forgotten something: where interactions are forgotten, not users."""
    return forget(wildcards)["kind"] == "interactions"
