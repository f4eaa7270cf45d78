"""Which cells an LLM scores for a run: what its tables and figures show of CRAGRU, each cell once."""

from collections.abc import Iterator
from typing import NamedTuple

from cragru.config.project import TABLE_STRATEGY, Project, shows_cragru
from cragru.config.tables import CompletenessTable, CostTable, ForgetRemainFigure, StrategiesFigure, UtilityTable


class Cell(NamedTuple):
    """One way to make a cohort's prompts; the fields are the wildcards of its path."""

    dataset: str
    protocol: str
    seed: int
    backbone: str
    source: str
    strategy: str
    order: str


Shown = UtilityTable | CostTable | CompletenessTable | StrategiesFigure | ForgetRemainFigure


def cells_of(project: Project, spec: Shown) -> list[Cell]:
    """The cells that a table or a figure shows; none where the run has no LLM.

    Figure 3 has the strategy `none` on every backbone; Table II the same and, on the backbones to compare on, its
    control with shuffled candidates; Figure 4 every strategy on the backbones to compare on; the table of costs what
    these have in the backbone's order; Table IV all of it, and `none` with the candidates of further sources.
    """
    settings = project.settings
    if settings.scoring.llm is None or not shows_cragru(spec):
        return []
    table = plain_cells(project, spec.protocol)
    if isinstance(spec, ForgetRemainFigure):
        return table
    plain = [cell for cell in table if cell.backbone in settings.scoring.compare_on]
    controls = [cell._replace(order="shuffled") for cell in plain]
    if isinstance(spec, UtilityTable):
        return table + controls
    figure = list(_grid(project, spec.protocol, settings.scoring.compare_on, settings.retrieval.strategies))
    if isinstance(spec, StrategiesFigure):
        return figure
    if isinstance(spec, CostTable):
        return list(dict.fromkeys(figure + table))
    further = [cell._replace(source=source) for source in spec.sources for cell in plain]
    return list(dict.fromkeys(table + controls + figure + further))


def plain_cells(project: Project, protocol: str) -> list[Cell]:
    """CRAGRU as in the paper's Table II, on every backbone; none where the run has no LLM."""
    if project.settings.scoring.llm is None:
        return []
    return list(_grid(project, protocol, project.settings.backbones, [TABLE_STRATEGY]))


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
