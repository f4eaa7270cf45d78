# What tables and figures are made of: their rows, by the labels that they show and the files that these come from.
EVERYONE = (
    "all users"  # what the panel of all users is called; a cohort may be called `all`
)
COHORT_PANEL = f"cohort {project.settings.scoring.cohort}"
NO_LLM = "Candidates, no LLM"
CRAGRU_LABEL = "CRAGRU"
LLM_ORDER, NO_LLM_ORDER = "per-user.parquet", "per-user-no-llm.parquet"
REFERENCES = {EVERYONE: project.label(RETRAIN), COHORT_PANEL: CRAGRU_LABEL}
PANEL_ROWS = (  # label, order of the candidates in the prompt, per-user results
    (CRAGRU_LABEL, "backbone", LLM_ORDER),
    (f"{CRAGRU_LABEL}, shuffled", "shuffled", LLM_ORDER),
    (f"{CRAGRU_LABEL}, random ties", "backbone", "per-user-random-ties.parquet"),
    (NO_LLM, "backbone", NO_LLM_ORDER),
)


def row(
    dataset, protocol, seed, backbone, label, per_user, panel, cost=None, printed=None
):
    """One row under one seed: how it is called, here and in the paper's tables, and its files."""
    names = {"dataset": dataset, "protocol": protocol, "seed": seed}
    cohort = COHORT.format(**names, cohort=project.settings.scoring.cohort)
    return {
        "panel": panel,
        "dataset": project.registry.datasets[dataset].title,
        "backbone": project.params.backbones[backbone].label,
        "method": label,
        "printed": printed or label,
        "seed": seed,
        "per_user": per_user,
        "cohort": None if panel == EVERYONE else cohort,
        "cost": cost,
    }


def model_file(name, dataset, protocol, seed, backbone, model):
    """A file of a model of a state."""
    state = STATE.format(dataset=dataset, protocol=protocol, seed=seed)
    return f"{state}/{backbone}/{model}/{name}"


def model_rows(protocol, dataset, backbone, models, panel):
    """Rows of models: each under every seed."""
    rows = []
    for model in models:
        for seed in project.settings.seeds:
            state = {
                "dataset": dataset,
                "protocol": protocol,
                "seed": seed,
                "backbone": backbone,
            }
            per_user = rules.evaluate.output.per_user.format(**state, model=model)
            rows.append(
                row(
                    **state,
                    label=project.label(model),
                    printed=project.paper_label(model),
                    per_user=per_user,
                    panel=panel,
                )
            )
    return rows


def source_suffix(cell):
    """What tells the candidates of another source than the paper's."""
    return (
        ""
        if cell.source == ORIGINAL
        else f", candidates of {project.label(cell.source)}"
    )


def cragru_rows(cells, dataset, backbone):
    """CRAGRU and its controls for a data set and backbone, each under every seed."""
    own = [
        cell for cell in cells if (cell.dataset, cell.backbone) == (dataset, backbone)
    ]
    return [
        row(
            *cell[:4],  # data set, protocol, seed, backbone
            label + source_suffix(cell),
            cell_file(cell, file),
            COHORT_PANEL,
            cell_file(cell, "cost.json") if file == LLM_ORDER else None,
        )
        for label, order, file in PANEL_ROWS
        for cell in own
        if cell.order == order
    ]


def table_rows(wildcards):
    """Rows of a utility table: every model on all users, then, if the table has that panel, all rows on the cohort."""
    spec = project.tables.tables[wildcards.table]
    settings, cells = project.settings, cells_of(project, spec)
    models = [ORIGINAL, *settings.methods]
    pairs = [
        (dataset, backbone)
        for dataset in settings.datasets
        for backbone in settings.backbones
    ]
    rows = [
        made
        for pair in pairs
        for made in model_rows(spec.protocol, *pair, models, EVERYONE)
    ]
    for pair in pairs if cells else []:
        rows += model_rows(spec.protocol, *pair, models, COHORT_PANEL)
        rows += cragru_rows(cells, *pair)
    return rows


def figure_rows(wildcards):
    """Bars of a strategies figure: the backbone alone, each strategy, and the rivals that the run has."""
    spec = project.figures.figures[wildcards.figure]
    rivals = [m for m in spec.rivals if m in project.settings.methods]
    cells, rows = needed_cells(spec, wildcards.figure), []
    for pair in dict.fromkeys((cell.dataset, cell.backbone) for cell in cells):
        own = [cell for cell in cells if (cell.dataset, cell.backbone) == pair]
        alone = [cell for cell in own if cell.strategy == own[0].strategy]
        bars = [(cell, NO_LLM, NO_LLM_ORDER) for cell in alone]
        bars += [
            (cell, project.params.strategies[cell.strategy].label, LLM_ORDER)
            for cell in own
        ]
        rows += [
            row(
                *cell[:4],
                label + source_suffix(cell),
                cell_file(cell, file),
                COHORT_PANEL,
            )
            for cell, label, file in bars
        ]
        rows += model_rows(spec.protocol, *pair, rivals, COHORT_PANEL)
    return rows


def row_files(rows, column):
    """The files of a column of rows, each once."""
    return list(dict.fromkeys(made[column] for made in rows if made[column]))


def scoring_note(spec):
    """What captions must say of the LLM's part: whom it scored, what it saw, which model."""
    cells, scoring, retrieval = (
        cells_of(project, spec),
        project.settings.scoring,
        project.settings.retrieval,
    )
    if not cells:
        return ""
    size, llm = scoring.cohorts[scoring.cohort], project.llms.llms[scoring.llm]
    who = f"the first {size} users" if size else "all users"
    length = (
        f"at most {scoring.tokens} tokens"
        if scoring.tokens
        else f"as long as its context of {llm.engine.context} tokens allows"
    )
    return (
        f"Cohort {scoring.cohort}: {who}, in one random order, of those that can be judged. {llm.label} scores the "
        f"{retrieval.candidates} best candidates; prompts are {length}, older history is left out; strategies other "
        f"than the whole history keep at most {retrieval.history} interactions."
    )


def table_cells(wildcards):
    """The cells that an LLM scores for a table."""
    return cells_of(project, project.tables.tables[wildcards.table])


def needed_cells(spec, name):
    """The cells of what is nothing without an LLM."""
    cells = cells_of(project, spec)
    if not cells:
        raise WorkflowError(
            f"{name}: needs an LLM and a backbone to compare on; set scoring.llm and scoring.compare_on"
        )
    return cells


def candidate_groups(wildcards):
    """Whose candidates the cells of a table have, as its note calls them."""
    return [
        f"{project.params.backbones[cell.backbone].label}{source_suffix(cell)} on "
        + project.registry.datasets[cell.dataset].title
        for cell in table_cells(wildcards)
    ]


def cell_checks(cells):
    """The proofs of what the prompts of some cells hold."""
    return [cell_file(cell, "prompts-checked.json") for cell in cells]


def cost_labels(wildcards):
    """Rows of the table of costs, as it calls them: data set, backbone, strategy, seed."""
    return [
        [
            project.registry.datasets[cell.dataset].title,
            project.params.backbones[cell.backbone].label,
            project.params.strategies[cell.strategy].label + source_suffix(cell),
            cell.seed,
        ]
        for cell in needed_cells(
            project.tables.tables[wildcards.table], wildcards.table
        )
    ]
