"""What an LLM answers: cells, each of them one way to make and to use the scores of a cohort's candidates."""

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

from cragru.core.names import ENCODER, NO_FUSION, OWN, SHUFFLED
from cragru.plan import places
from cragru.plan.run import Run
from cragru.plan.wildcards import Wildcards

TABLE_STRATEGY = "none"  # what Table II shows of CRAGRU, as in the paper
RANDOM_STRATEGY = "random"  # the control that any strategy must beat
SHOWN = "backbone"  # with `SHUFFLED`, orders of the candidates in a prompt
ORDERS = (SHOWN, SHUFFLED)
TOGETHER = "together"  # the batch of all cells, or all requests, of a state


class Cell(NamedTuple):
    """One way to have a cohort's candidates scored and ordered; the fields are the wildcards of its path."""

    dataset: str
    protocol: str
    seed: int
    backbone: str
    candidates_of: str
    strategy: str
    order: str
    llm: str
    form: str
    cohort: str
    history: str = OWN
    fusion: str = NO_FUSION

    @property
    def state(self) -> dict[str, str | int]:
        """Its data set, protocol and seed, by name."""
        return {"dataset": self.dataset, "protocol": self.protocol, "seed": self.seed}

    @property
    def pair(self) -> tuple[str, str]:
        """Its data set and backbone."""
        return self.dataset, self.backbone

    @property
    def has_prompts(self) -> bool:
        """Whether an LLM is asked for its scores: an encoder's vectors are compared instead."""
        return self.form != ENCODER


def cell_of(wildcards: Wildcards) -> Cell:
    """Return the cell whose file is wanted; a file of scores is the same whatever they are fused with."""
    names = {name: wildcards.get(name) for name in Cell._fields}
    names["fusion"] = names["fusion"] or NO_FUSION
    return Cell(**names)._replace(seed=int(wildcards.seed))


def cell_file(cell: Cell, name: str) -> str:
    """Return the path of a file of a cell's lists."""
    return f"{places.place(places.CELL, **cell._asdict())}/{name}"


def scored_file(cell: Cell, name: str) -> str:
    """Return the path of a file of a cell's prompts and scores, which are the same whatever they are fused with."""
    return f"{places.place(places.SCORED, **cell._asdict())}/{name}"


def plain_cells(run: Run, protocol: str) -> list[Cell]:
    """Return CRAGRU as in the paper's Table II, on every backbone; nothing where the run has no LLM."""
    return grid_of_cells(run, protocol, run.settings.backbones, [TABLE_STRATEGY])


def compared_cells(run: Run, protocol: str) -> list[Cell]:
    """Return these cells, on the backbones to compare on alone."""
    compared = run.settings.scoring.compare_on
    return [cell for cell in plain_cells(run, protocol) if cell.backbone in compared]


def shuffled_cells(run: Run, protocol: str) -> list[Cell]:
    """Return the controls of compared cells, if the run has them: the same with shuffled candidates."""
    if SHUFFLED not in run.settings.scoring.controls:
        return []
    shuffled = [cell._replace(order=SHUFFLED) for cell in compared_cells(run, protocol)]
    return [cell for cell in shuffled if cell.has_prompts]


def strategy_cells(run: Run, protocol: str) -> list[Cell]:
    """Return every strategy on the backbones to compare on, in the form and of the cohort for that."""
    scoring, strategies = run.settings.scoring, run.settings.retrieval.strategies
    cells = grid_of_cells(run, protocol, scoring.compare_on, strategies)
    form, cohort = scoring.compare_form or scoring.form, scoring.compare_cohort or scoring.cohort
    return [cell._replace(form=form, cohort=cohort) for cell in cells]


def grid_of_cells(
    run: Run, protocol: str, backbones: Sequence[str], strategies: Sequence[str]
) -> list[Cell]:
    """Return a cell for each backbone, source of candidates, strategy and seed; nothing where the run has no LLM."""
    settings, scoring = run.settings, run.settings.scoring
    if scoring.llm is None:
        return []
    models, found = settings.retrieval.candidates_of, []
    grid = product(settings.datasets, backbones, models, strategies, settings.seeds)
    asked = {"llm": scoring.llm, "form": scoring.form, "cohort": scoring.cohort}
    for dataset, backbone, candidates_of, strategy, seed in grid:
        names = (dataset, protocol, seed, backbone, candidates_of, strategy, SHOWN)
        found.append(Cell(*names, **asked, fusion=scoring.fusion))
    return found
