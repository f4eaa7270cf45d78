"""Rows of what is measured of forgetting, which Table IV and Figure 3 share."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

from cragru.core.names import NO_LLM, RETRAIN
from cragru.plan import places
from cragru.plan.cells import TABLE_STRATEGY, Cell
from cragru.plan.rows import CONTROLS, CRAGRU, Row, cell_row, model_rows
from cragru.plan.run import Run

LLM_VARIANT, MODEL_VARIANT = "llm", "model"
VARIANTS = {
    places.PER_USER: LLM_VARIANT,
    places.PER_USER_RANDOM_TIES: "random-ties",
    places.PER_USER_NO_LLM: NO_LLM,
}
"""Variants of a cell's lists, by their results for Table II."""


def measured_model_rows(
    run: Run,
    protocol: str,
    pair: tuple[str, str],
    models: Sequence[str],
    panel: str,
    measures: Sequence[str],
    trainings: int = 1,
) -> list[Row]:
    """Return rows of models, each under every seed and training, held against Retrains of other trainings.

    Args:
        run: The configuration.
        protocol: Name of the protocol.
        pair: Names of the data set and the backbone.
        models: Names of the models.
        panel: What the panel is called.
        measures: What is read of them, keys of `places.MEASURED`.
        trainings: How many trainings of a model are shown at most.
    """
    files = _files(run, measures)
    rows = model_rows(run, protocol, pair, models, panel, trainings, **files)
    return [_held_against(run, row, MODEL_VARIANT) for row in rows]


def measured_cell_rows(
    run: Run,
    cells: Sequence[Cell],
    measures: Sequence[str],
    variants: Sequence[str] = tuple(VARIANTS.values()),
) -> list[Row]:
    """Return CRAGRU and its controls, each under every seed: the first seed's cells have the others' order.

    Args:
        run: The configuration.
        cells: What an LLM answered, of one data set and backbone.
        measures: What is read of them, keys of `places.MEASURED`.
        variants: Variants of lists to show.
    """
    rows: dict[str, list[Row]] = {}
    for cell in cells:
        for label, variant in _labels(run, cell):
            if variant in variants:
                row = cell_row(run, cell, label, **_files(run, measures))
                row = _held_against(run, row, variant)
                rows.setdefault(row.labels["method"], []).append(row)
    return list(chain.from_iterable(rows.values()))


def _held_against(run: Run, row: Row, variant: str) -> Row:
    others = run.shadows(row.backbone, run.shadow_count)
    references = tuple((backbone, RETRAIN) for backbone in others)
    return replace(row.called(variant=variant), references=references)


def _files(run: Run, measures: Sequence[str]) -> dict[str, str]:
    """Return names of the files of measures in a folder."""
    folder = places.place(places.AGAINST, shadows=run.shadow_count)
    return {name: f"{folder}/{places.MEASURED[name]}" for name in measures}


def _labels(run: Run, cell: Cell) -> list[tuple[str, str]]:
    """Return labels of a cell's rows and variants of its lists: the paper's cell has the controls."""
    if cell.strategy != TABLE_STRATEGY:
        return [(f"{CRAGRU}, {run.strategy(cell.strategy).label}", LLM_VARIANT)]
    found = []
    for label, order, results in CONTROLS:
        variant = VARIANTS[results]
        if order == cell.order:
            found.append((label, variant))
    return found
