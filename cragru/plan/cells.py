"""What an LLM answers: cells, each of them one way to make the prompts of a cohort."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import NamedTuple

from cragru.plan import places
from cragru.plan.run import Run
from cragru.plan.wildcards import Wildcards

TABLE_STRATEGY = "none"  # what Table II shows of CRAGRU, as in the paper
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


def cell_file(
    run: Run, cell: Cell, name: str, llm: str | None = None, cohort: str | None = None
) -> str:
    """A file of a cell: of the run's LLM and cohort, unless others are asked for."""
    scoring = run.settings.scoring
    folder = places.place(
        places.CELL, **cell._asdict(), llm=llm or scoring.llm, cohort=cohort or scoring.cohort
    )
    return f"{folder}/{name}"


def plain_cells(run: Run, protocol: str) -> list[Cell]:
    """CRAGRU as in the paper's Table II, on every backbone; none where the run has no LLM."""
    return list(_grid(run, protocol, run.settings.backbones, [TABLE_STRATEGY]))


def compared_cells(run: Run, protocol: str) -> list[Cell]:
    """Those of them that are on the backbones to compare on."""
    return [
        cell
        for cell in plain_cells(run, protocol)
        if cell.backbone in run.settings.scoring.compare_on
    ]


def shuffled_cells(run: Run, protocol: str) -> list[Cell]:
    """The controls of these: the same with shuffled candidates."""
    return [cell._replace(order=SHUFFLED) for cell in compared_cells(run, protocol)]


def strategy_cells(run: Run, protocol: str) -> list[Cell]:
    """Every strategy, on the backbones to compare on."""
    settings = run.settings
    return list(_grid(run, protocol, settings.scoring.compare_on, settings.retrieval.strategies))


def _grid(
    run: Run, protocol: str, backbones: Sequence[str], strategies: Sequence[str]
) -> Iterator[Cell]:
    settings = run.settings
    if settings.scoring.llm is None:
        return
    grid = product(
        settings.datasets, backbones, settings.retrieval.candidates_of, strategies, settings.seeds
    )
    for dataset, backbone, candidates_of, strategy, seed in grid:
        yield Cell(dataset, protocol, seed, backbone, candidates_of, strategy, SHOWN)


def cell_of(wildcards: Wildcards) -> Cell:
    """The cell whose file is wanted."""
    names = {name: getattr(wildcards, name) for name in Cell._fields}
    return Cell(**names | {"seed": int(names["seed"])})
