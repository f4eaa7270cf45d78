"""What an LLM answers: cells, each of them one way to make the prompts of a cohort."""

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

from cragru.plan import places
from cragru.plan.run import Run
from cragru.plan.wildcards import Wildcards

TABLE_STRATEGY = "none"  # what Table II shows of CRAGRU, as in the paper
RANDOM_STRATEGY = "random"  # the control that any strategy must beat
SHOWN, SHUFFLED = "backbone", "shuffled"  # orders of the candidates in a prompt
ORDERS = (SHOWN, SHUFFLED)
TOGETHER = "together"  # the batch of all cells, or all requests, of a state


class Cell(NamedTuple):
    """One way to make a cohort's prompts; the fields are the wildcards of its path."""

    dataset: str
    protocol: str
    seed: int
    backbone: str
    candidates_of: str
    strategy: str
    order: str

    @property
    def state(self) -> dict[str, str | int]:
        """Its data set, protocol and seed, by name."""
        return {"dataset": self.dataset, "protocol": self.protocol, "seed": self.seed}

    @property
    def pair(self) -> tuple[str, str]:
        """Its data set and backbone."""
        return self.dataset, self.backbone


def cell_of(wildcards: Wildcards) -> Cell:
    """Return the cell whose file is wanted."""
    names = {name: getattr(wildcards, name) for name in Cell._fields}
    return Cell(**names)._replace(seed=int(wildcards.seed))


def cell_file(
    run: Run, cell: Cell, name: str, llm: str | None = None, cohort: str | None = None
) -> str:
    """Return the path of a file of a cell: of the run's LLM and cohort, unless others are asked for."""
    scoring = run.settings.scoring
    of_llm = {"llm": llm or scoring.llm, "cohort": cohort or scoring.cohort}
    return f"{places.place(places.CELL, **cell._asdict(), **of_llm)}/{name}"


def plain_cells(run: Run, protocol: str) -> list[Cell]:
    """Return CRAGRU as in the paper's Table II, on every backbone; nothing where the run has no LLM."""
    return _grid(run, protocol, run.settings.backbones, [TABLE_STRATEGY])


def compared_cells(run: Run, protocol: str) -> list[Cell]:
    """Return these cells, on the backbones to compare on alone."""
    compared = run.settings.scoring.compare_on
    return [cell for cell in plain_cells(run, protocol) if cell.backbone in compared]


def shuffled_cells(run: Run, protocol: str) -> list[Cell]:
    """Return the controls of compared cells: the same with shuffled candidates."""
    return [cell._replace(order=SHUFFLED) for cell in compared_cells(run, protocol)]


def strategy_cells(run: Run, protocol: str) -> list[Cell]:
    """Return every strategy, on the backbones to compare on."""
    settings = run.settings
    return _grid(run, protocol, settings.scoring.compare_on, settings.retrieval.strategies)


def _grid(
    run: Run, protocol: str, backbones: Sequence[str], strategies: Sequence[str]
) -> list[Cell]:
    settings = run.settings
    if settings.scoring.llm is None:
        return []
    models, found = settings.retrieval.candidates_of, []
    grid = product(settings.datasets, backbones, models, strategies, settings.seeds)
    for dataset, backbone, candidates_of, strategy, seed in grid:
        found.append(Cell(dataset, protocol, seed, backbone, candidates_of, strategy, SHOWN))
    return found
