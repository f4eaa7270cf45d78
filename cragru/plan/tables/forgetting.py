"""Rows of what is measured of forgetting, which Table IV and Figure 3 share."""

from collections.abc import Sequence
from dataclasses import replace

from cragru.plan import places
from cragru.plan.cells import TABLE_STRATEGY, Cell
from cragru.plan.rows import CONTROLS, CRAGRU, Row, candidates_suffix, cell_row, model_rows
from cragru.plan.run import Run

LLM_VARIANT, MODEL_VARIANT = "llm", "model"
VARIANTS = {
    places.PER_USER: LLM_VARIANT,
    places.PER_USER_RANDOM_TIES: "random-ties",
    places.PER_USER_NO_LLM: "no-llm",
}
"""Variants of a cell's lists, by their results for Table II."""


def measured_model_rows(
    run: Run,
    protocol: str,
    pair: tuple[str, str],
    models: Sequence[str],
    panel: str,
    reference: str,
    measures: Sequence[str],
) -> list[Row]:
    """Rows of models, each under every seed, held against another model.

    Args:
        run: The configuration.
        protocol: Name of the protocol.
        pair: Names of the data set and the backbone.
        models: Names of the models.
        panel: What the panel is called.
        reference: Name of the model that they are held against.
        measures: What is read of them, keys of `places.MEASURED`.
    """
    rows = model_rows(run, protocol, pair, models, panel, **_files(reference, measures))
    return [replace(row.called(variant=MODEL_VARIANT), references=(reference,)) for row in rows]


def measured_cell_rows(
    run: Run,
    cells: Sequence[Cell],
    reference: str,
    measures: Sequence[str],
    variants: Sequence[str] = (),
) -> list[Row]:
    """CRAGRU and its controls, each under every seed: the first seed's cells have the others' order.

    Args:
        run: The configuration.
        cells: What an LLM answered, of one data set and backbone.
        reference: Name of the model that they are held against.
        measures: What is read of them, keys of `places.MEASURED`.
        variants: Variants of lists to show; without any, all.
    """
    rows = []
    for cell in cells:
        for label, variant in _labels(run, cell):
            if variants and variant not in variants:
                continue
            row = cell_row(run, cell, label, **_files(reference, measures)).called(variant=variant)
            rows.append(replace(row, references=(reference,)))
    labels = list(dict.fromkeys(row.labels["method"] for row in rows))
    return sorted(rows, key=lambda row: labels.index(row.labels["method"]))


def _files(reference: str, measures: Sequence[str]) -> dict[str, str]:
    """Names of the files of measures in a folder."""
    folder = places.place(places.AGAINST, replicate=reference)
    return {name: f"{folder}/{places.MEASURED[name]}" for name in measures}


def _labels(run: Run, cell: Cell) -> list[tuple[str, str]]:
    """What a cell's rows are called and which variants of its lists they are: the paper's cell has the controls."""
    suffix = candidates_suffix(run, cell.candidates_of)
    if cell.strategy != TABLE_STRATEGY:
        strategy = run.params.strategies[cell.strategy].label
        return [(f"{CRAGRU}, {strategy}{suffix}", LLM_VARIANT)]
    return [
        (label + suffix, VARIANTS[results])
        for label, order, results in CONTROLS
        if order == cell.order
    ]
