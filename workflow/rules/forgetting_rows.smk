# Rows of Tables IV and V and bars of Figure 3: how they are called, and their files; functions alone.
MEASURED = {
    "membership": "membership.parquet",
    "completeness": "completeness.parquet",
    "forget_remain": "forget-remain.parquet",
}
LLM_VARIANT, MODEL_VARIANT = "llm", "model"
VARIANTS = {
    LLM_ORDER: LLM_VARIANT,
    "per-user-random-ties.parquet": "random-ties",
    NO_LLM_ORDER: "no-llm",
}


def forgetting_row(dataset, protocol, seed, backbone, label, folder, panel, variant):
    """One row under one seed: how it is called, and its files."""
    named = row(dataset, protocol, seed, backbone, label, None, panel)
    files = {name: f"{folder}/{file}" for name, file in MEASURED.items()}
    return named | {"variant": variant} | files


def forgetting_model_rows(spec, dataset, backbone, models, panel, reference=None):
    """Rows of models: each under every seed, held against Retrain with other random streams or another reference."""
    measured = f"against-{reference or spec.again}"
    return [
        forgetting_row(
            dataset,
            spec.protocol,
            seed,
            backbone,
            project.label(model),
            model_file(measured, dataset, spec.protocol, seed, backbone, model),
            panel,
            MODEL_VARIANT,
        )
        for model in models
        for seed in project.settings.seeds
    ]


def again_rows(spec, dataset, backbone, panel):
    """Retrain with other random streams, held against Retrain: how far chance alone goes."""
    models = [spec.again]
    return forgetting_model_rows(spec, dataset, backbone, models, panel, RETRAIN)


def cell_labels(cell):
    """What a cell's rows are called and which variants of its lists they are: the paper's cell has the controls."""
    suffix = source_suffix(cell)
    if cell.strategy != TABLE_STRATEGY:
        strategy = project.params.strategies[cell.strategy].label
        return [(f"{CRAGRU_LABEL}, {strategy}{suffix}", LLM_VARIANT)]
    return [
        (label + suffix, VARIANTS[file])
        for label, order, file in PANEL_ROWS
        if order == cell.order
    ]


def forgetting_cell_rows(spec, cells, variants=tuple(VARIANTS.values())):
    """CRAGRU and its controls, each under every seed: the first seed's cells have the others' order."""
    rows = [
        forgetting_row(
            *cell[:4],  # data set, protocol, seed, backbone
            label,
            cell_file(cell, f"against-{spec.again}"),
            COHORT_PANEL,
            variant,
        )
        for cell in cells
        for label, variant in cell_labels(cell)
        if variant in variants
    ]
    labels = list(dict.fromkeys(made["method"] for made in rows))
    return sorted(rows, key=lambda made: labels.index(made["method"]))


def completeness_rows(wildcards):
    """Rows of Table IV: every model on all users, then, if the table has that panel, all rows on the cohort."""
    spec, settings = project.tables.tables[wildcards.table], project.settings
    cells = cells_of(project, spec)
    models = list(dict.fromkeys([ORIGINAL, RETRAIN, *settings.methods]))
    pairs = [(d, b) for d in settings.datasets for b in settings.backbones]
    rows = [
        made
        for pair in pairs
        for made in forgetting_model_rows(spec, *pair, models, EVERYONE)
        + again_rows(spec, *pair, EVERYONE)
    ]
    for pair in pairs if cells else []:
        own = [cell for cell in cells if (cell.dataset, cell.backbone) == pair]
        rows += forgetting_model_rows(spec, *pair, models, COHORT_PANEL)
        rows += again_rows(spec, *pair, COHORT_PANEL)
        rows += forgetting_cell_rows(spec, own)
    return rows


def forget_remain_rows(wildcards):
    """Bars of Figure 3: original, rivals and CRAGRU of one cohort; without an LLM the models on all users."""
    spec, settings = project.figures.figures[wildcards.figure], project.settings
    cells = cells_of(project, spec)
    models = [ORIGINAL, *(m for m in spec.rivals if m in settings.methods)]
    rows = []
    for dataset in settings.datasets:
        for backbone in settings.backbones:
            own = [c for c in cells if (c.dataset, c.backbone) == (dataset, backbone)]
            rows += forgetting_model_rows(
                spec,
                dataset,
                backbone,
                models,
                COHORT_PANEL if cells else EVERYONE,
            )
            rows += forgetting_cell_rows(spec, own, [LLM_VARIANT])
    return rows


def compared_files(protocol, dataset, backbone, method, again, seed):
    """What Table V compares under one seed: a method, Retrain, and Retrain with other random streams."""
    cell = (dataset, protocol, seed, backbone)
    files = {
        "user_groups": model_file("users.parquet", *cell, "groups"),
        "item_rows": model_file("items.parquet", *cell, "groups"),
    }
    for name, model in (("method", method), ("retrain", RETRAIN), ("again", again)):
        files[f"{name}_per_user"] = model_file("per-user.parquet", *cell, model)
        files[f"{name}_lists"] = model_file("recommended.parquet", *cell, model)
    return files


def bias_rows(wildcards):
    """Rows of Table V, each with its files by seed: the original and every method but Retrain."""
    spec, settings = project.tables.tables[wildcards.table], project.settings
    return [
        {
            "dataset": project.registry.datasets[dataset].title,
            "backbone": project.params.backbones[backbone].label,
            "method": project.label(method),
            "seeds": {
                seed: compared_files(
                    spec.protocol, dataset, backbone, method, spec.again, seed
                )
                for seed in settings.seeds
            },
        }
        for dataset in settings.datasets
        for backbone in settings.backbones
        for method in [ORIGINAL, *settings.methods]
        if method not in (RETRAIN, spec.again)
    ]


def bias_files(wildcards):
    """All files of these rows, each once."""
    files = [
        path
        for made in bias_rows(wildcards)
        for own in made["seeds"].values()
        for path in own.values()
    ]
    return list(dict.fromkeys(files))


def again_label(wildcards):
    """What tables call Retrain with other random streams."""
    return project.label(project.tables.tables[wildcards.table].again)
