# What single requests take: which requests a table has, and how CRAGRU serves them; functions alone.
from cragru.config.project import TABLE_STRATEGY

REQUESTER = f"{REQUEST}/{{backbone}}/cragru/{{source}}/{{strategy}}/{{order}}/{{llm}}/{{score}}/requester"
REQUESTER_RECEIPT = (
    f"{LLM_ROOM}/receipts/{{dataset}}/{{protocol}}/{{seed}}/requester/{{score}}/"
    "{batch}/{share}-of-{shares}.json"
)


def requester_file(name, **wildcards):
    """A file of a request that CRAGRU serves: as the paper has it, with the whole remaining history."""
    as_in_paper = {"source": ORIGINAL, "strategy": TABLE_STRATEGY, "order": "backbone"}
    return f"{REQUESTER}/{name}".format(**as_in_paper, score="text", **wildcards)


def requester_prompts(wildcards, name="prompts.jsonl"):
    """A file of every request of a batch."""
    state = {
        key: getattr(wildcards, key) for key in ("dataset", "protocol", "seed", "llm")
    }
    pairs = (
        [
            (request, backbone)
            for request in project.requests(wildcards.protocol)
            for backbone in project.settings.backbones
        ]
        if wildcards.batch == TOGETHER
        else [wildcards.batch.split("/")]
    )
    return [
        requester_file(name, **state, request=request, backbone=backbone)
        for request, backbone in pairs
    ]


def requester_checks(wildcards):
    """The proofs that belong to these prompts."""
    return requester_prompts(wildcards, "prompts-checked.json")


def requester_receipt(wildcards):
    """The receipt of the job that has a request answered: with all others of its state, on the run's backbones."""
    is_of_run = wildcards.backbone in project.settings.backbones
    batch = TOGETHER if is_of_run else f"{wildcards.request}/{wildcards.backbone}"
    return REQUESTER_RECEIPT.format(**wildcards, batch=batch, share=1, shares=1)


def prepare_code(wildcards):
    """Digest of what writes a requester's prompt."""
    return code_digest("scripts/prepare_requester.py", strategy_module(wildcards))


def time_row(method, **cell):
    """One row under one seed and request: how it is called, and its files. No method stands for CRAGRU."""
    names = {
        "dataset": project.registry.datasets[cell["dataset"]].title,
        "backbone": project.params.backbones[cell["backbone"]].label,
        "seed": cell["seed"],
        "request": cell["request"],
    }
    if method is None:
        cell["llm"] = project.settings.scoring.llm
        called = {"method": CRAGRU_LABEL, "printed": CRAGRU_LABEL}
        files = {
            "cost": requester_file("cost.json", **cell),
            "check": requester_file("prompts-checked.json", **cell),
        }
        return names | called | {"ready": "the requester"} | files
    called = {
        "method": project.label(method),
        "printed": project.paper_label(method),
    }
    cost = f"{REQUEST}/{{backbone}}/{method}/cost.json".format(**cell)
    return names | called | {"ready": EVERYONE, "cost": cost, "check": None}


def time_rows(wildcards):
    """Rows of a table of times: the run's methods and, if it shows it, CRAGRU."""
    spec, settings = project.tables.tables[wildcards.table], project.settings
    requests = project.requests(spec.protocol)
    if not requests:
        raise WorkflowError(
            f"{wildcards.table}: the protocol {spec.protocol} has no requests; name files in the config key "
            "requests.files, or leave the table out"
        )
    shows_cragru = spec.cragru and settings.scoring.llm is not None
    return [
        time_row(
            method,
            dataset=dataset,
            protocol=spec.protocol,
            seed=seed,
            request=request,
            backbone=backbone,
        )
        for dataset in settings.datasets
        for backbone in settings.backbones
        for method in [*settings.methods, *([None] if shows_cragru else [])]
        for seed in settings.seeds
        for request in requests
    ]


def size_rows(wildcards):
    """Rows of the large request: every method, and CRAGRU where an LLM scores its cohort, each under every seed."""
    spec, settings = project.tables.tables[wildcards.table], project.settings
    rows = [
        row(
            dataset,
            spec.protocol,
            seed,
            backbone,
            project.label(method),
            None,
            EVERYONE,
            model_file("cost.json", dataset, spec.protocol, seed, backbone, method),
        )
        for dataset in settings.datasets
        for backbone in settings.backbones
        for method in settings.methods
        for seed in settings.seeds
    ]
    return rows + [
        row(
            *cell[:4],  # data set, protocol, seed, backbone
            CRAGRU_LABEL,
            None,
            COHORT_PANEL,
            cell_file(cell, "cost.json"),
        )
        for cell in plain_cells(project, spec.protocol)
        if cell.source == ORIGINAL  # as in the table of single requests
    ]


def size_titles(wildcards):
    """What captions call the protocols of the small and of the large request."""
    spec = project.tables.tables[wildcards.table]
    small = project.tables.tables[spec.time].protocol
    return [project.protocols[name].title for name in (small, spec.protocol)]


def requester_note(wildcards):
    """What a table of times must say of the LLM's part."""
    scoring, retrieval = project.settings.scoring, project.settings.retrieval
    if scoring.llm is None:
        return ""
    llm = project.llms.llms[scoring.llm].label
    return f"{llm} scores the {retrieval.candidates} best candidates."
