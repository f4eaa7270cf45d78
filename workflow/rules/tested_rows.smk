# Rows whose differences are tested, and rows that claims are about; functions alone.
CLAIM_NOTHING = {f"{CRAGRU_LABEL}, random ties"}  # controls that no claim is about


def tested_rows(wildcards):
    """Rows of a utility table and, in each panel, Retrain with other random streams: what noise alone does."""
    spec, rows = project.tables.tables[wildcards.table], table_rows(wildcards)
    panels = dict.fromkeys(made["panel"] for made in rows)
    return rows + [
        made
        for panel in panels
        for dataset in project.settings.datasets
        for backbone in project.settings.backbones
        for made in model_rows(spec.protocol, dataset, backbone, [spec.again], panel)
    ]


def claims_rows(wildcards):
    """What the headline claims are about, of the cohort: CRAGRU, its candidates, the original and Retrain."""
    spec = project.tables.tables[project.tables.tables[wildcards.table].utility]
    cells = [c for c in plain_cells(project, spec.protocol) if c.source == ORIGINAL]
    rows = []
    for pair in dict.fromkeys((cell.dataset, cell.backbone) for cell in cells):
        rows += model_rows(spec.protocol, *pair, [ORIGINAL, RETRAIN], COHORT_PANEL)
        rows += cragru_rows(cells, *pair)
    return [made for made in rows if made["method"] not in CLAIM_NOTHING]


def null_labels(wildcards):
    """What tables call Retrain, and Retrain with other random streams."""
    return [project.label(RETRAIN), again_label(wildcards)]
