"""Which cells an LLM scores for a run: what its tables and figures show of CRAGRU, each cell once."""

from collections.abc import Iterator
from typing import NamedTuple

from cragru.config.models import CostTable, StrategiesFigure, UtilityTable
from cragru.config.project import TABLE_STRATEGY, Project, shows_cragru


class Cell(NamedTuple):
    """One way to make a cohort's prompts; the fields are the wildcards of its path."""

    dataset: str
    protocol: str
    seed: int
    backbone: str
    source: str
    strategy: str
    order: str


def cells_of(project: Project, spec: UtilityTable | CostTable | StrategiesFigure) -> list[Cell]:
    """The cells that a table or a figure shows; none where the run has no LLM.

    Table II has the strategy `none` on every backbone, in both orders; Figure 4 every strategy on the backbones to
    compare on; the table of costs has what these two have in the backbone's order.
    """
    settings = project.settings
    if settings.scoring.llm is None or not shows_cragru(spec):
        return []
    table = list(_grid(project, spec.protocol, settings.backbones, [TABLE_STRATEGY]))
    if isinstance(spec, UtilityTable):
        return [cell._replace(order=order) for cell in table for order in ("backbone", "shuffled")]
    figure = list(_grid(project, spec.protocol, settings.scoring.compare_on, settings.retrieval.strategies))
    return figure if isinstance(spec, StrategiesFigure) else list(dict.fromkeys(figure + table))


def scored_cells(project: Project) -> list[Cell]:
    """All cells of the run, each once, in a fixed order."""
    specs = [project.tables.tables[name] for name in project.settings.tables]
    specs += [project.figures.figures[name] for name in project.settings.figures]
    return list(dict.fromkeys(cell for spec in specs for cell in cells_of(project, spec)))


def _grid(project: Project, protocol: str, backbones: list[str], strategies: list[str]) -> Iterator[Cell]:
    settings = project.settings
    for dataset in settings.datasets:
        for backbone in backbones:
            for source in settings.retrieval.sources:
                for strategy in strategies:
                    for seed in settings.seeds:
                        yield Cell(dataset, protocol, seed, backbone, source, strategy, "backbone")
