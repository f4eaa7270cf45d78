"""Rows of tables and bars of figures: who each is, what it is called, and its files."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, Self

from cragru.core.names import AGAIN, CONTENT, ORIGINAL, ORIGINAL_LABEL, POPULARITY, SHUFFLED
from cragru.plan import places
from cragru.plan.cells import SHOWN, Cell, cell_file, scored_file
from cragru.plan.run import Run

EVERYONE = "all users"  # what the panel of all users is called; a cohort may be called `all`
OF_COHORT = "cohort "  # before the name of a cohort, what its panel is called
CRAGRU = "CRAGRU"  # what rows of an LLM are called
CANDIDATES_OF = ", candidates of "  # tells rows with another model's candidates
NO_LLM = "Candidates, no LLM"  # the control that shows what the candidates do alone
WITHOUT_LLM = {POPULARITY: "Popularity, no LLM", CONTENT: "Content, no LLM"}
"""What the controls are called that order the candidates by what remains."""

CONTROLS = (  # label, order of the candidates in the prompt, results of the lists
    (CRAGRU, SHOWN, places.PER_USER),
    (f"{CRAGRU}, shuffled", SHUFFLED, places.PER_USER),
    (f"{CRAGRU}, random ties", SHOWN, places.PER_USER_RANDOM_TIES),
    (NO_LLM, SHOWN, places.PER_USER_NO_LLM),
)
"""What Table II shows of a cell: CRAGRU itself and its controls."""

_OURS = "|".join([CRAGRU, NO_LLM, *WITHOUT_LLM.values()])
OF_CRAGRU = rf"({_OURS})(,.*)?|.*{CANDIDATES_OF.strip()}.*"
MODEL_ROWS = f"{ORIGINAL_LABEL}|{OF_CRAGRU}|.*{AGAIN}"
"""Labels that tables have rows of their own for, which a method's cannot be: a pattern."""
_OF_CONTROLS = [label.removeprefix(f"{CRAGRU}, ") for label, _, _ in CONTROLS]
STRATEGY_ROWS = "|".join([MODEL_ROWS, *_OF_CONTROLS])
"""The same for a strategy's label, before which `CRAGRU, ` stands."""


@dataclass(frozen=True)
class Row:
    """One row of a table, or bar of a figure, under one seed.

    Attributes:
        dataset: Name of the data set.
        protocol: Name of the protocol; None for what is of the data alone.
        seed: The seed, likewise.
        backbone: Name of the backbone, likewise.
        model: Name of the model that it shows, if it shows one: the original or a method.
        cell: What an LLM answered, if it shows that; with a request: how that request was served.
        candidates_of: Whose candidates it shows in an order that no LLM takes part in, if it does.
        request: Name of the single request that was served, if it is of one.
        training: Which of several trainings of the backbone it is; the backbone's name has it, too.
        references: Models of the same state that it is held against: name of the backbone, name of the model.
        labels: What the table calls it, by column.
        files: Paths of what it is made of, by name; None where it has none.
    """

    dataset: str
    protocol: str | None = None
    seed: int | None = None
    backbone: str | None = None
    model: str | None = None
    cell: Cell | None = None
    candidates_of: str | None = None
    request: str | None = None
    training: int = 0
    references: tuple[tuple[str, str], ...] = ()
    labels: Mapping[str, str | None] = field(default_factory=dict)
    files: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def source(self) -> str | None:
        """The model whose candidates it has, if it has another model's lists in another order."""
        return self.cell.candidates_of if self.cell else self.candidates_of

    @property
    def models(self) -> list[tuple[str, str]]:
        """Backbones and names of models: its own, those that it is held against, and whose candidates it has."""
        own = [(self.backbone, name) for name in (self.model, self.source) if name is not None]
        return [*own, *self.references]

    def of_files(self, **files: str | None) -> Self:
        """Return the same row with further files."""
        return replace(self, files={**self.files, **files})

    def called(self, **labels: str | None) -> Self:
        """Return the same row with further labels."""
        return replace(self, labels={**self.labels, **labels})

    def param(self) -> dict[str, Any]:
        """Return what the rule that makes the table is told: plain values."""
        if self.seed is None:
            return {**self.labels, **self.files}
        facts = {"seed": self.seed, "training": self.training, "source": self.source}
        return {**self.labels, **facts, **self.files}


def row_files(rows: Iterable[Row]) -> list[str]:
    """Return the files of rows, each once, in the order of the rows."""
    found: dict[str, None] = {}
    for row in rows:
        found.update(dict.fromkeys(row.files.values()))
    return list(filter(None, found))


def row_params(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Return rows as the rule is told them that makes something of them."""
    return [row.param() for row in rows]


def without(rows: Iterable[Row], *names: str) -> list[Row]:
    """Return rows that have no such files, though other rows of their table have them."""
    return [row.of_files(**dict.fromkeys(names)) for row in rows]


def cells_of(rows: Iterable[Row]) -> list[Cell]:
    """Return what an LLM answered for rows of a state, each cell once."""
    found = [row.cell for row in rows if row.cell and row.request is None]
    return list(dict.fromkeys(found))


def pairs_of(run: Run) -> list[tuple[str, str]]:
    """Return data sets and backbones of the run, in the order of tables."""
    return list(product(run.settings.datasets, run.settings.backbones))


def panel_of(cohort: str) -> str:
    """Return what the panel of a cohort's users is called."""
    return f"{OF_COHORT}{cohort}"


def cohort_panel(run: Run) -> str:
    """Return what the panel of the run's cohort is called."""
    return panel_of(run.settings.scoring.cohort)


def candidates_suffix(run: Run, candidates_of: str) -> str:
    """Return what tells the candidates of another model than the paper's."""
    return "" if candidates_of == ORIGINAL else CANDIDATES_OF + run.label(candidates_of)


def common_labels(run: Run, dataset: str, backbone: str, panel: str | None) -> dict[str, str]:
    """Return what every row is called by: its panel, where the table has such, data set and backbone."""
    labels = {} if panel is None else {"panel": panel}
    labels["dataset"] = run.registry.datasets[dataset].title
    labels["backbone"] = run.backbone(backbone).label
    return labels


def cohort_file(state: Mapping[str, object], panel: str) -> str | None:
    """Return the file with the users of a panel, where it is not of all."""
    if panel == EVERYONE:
        return None
    return places.place(places.COHORT, **state, cohort=panel.removeprefix(OF_COHORT))


def model_rows(
    run: Run,
    protocol: str,
    pair: tuple[str, str],
    models: Sequence[str],
    panel: str,
    trainings: int = 1,
    **files: str,
) -> list[Row]:
    """Return rows of models, each under every seed and training.

    Args:
        run: The configuration.
        protocol: Name of the protocol.
        pair: Names of the data set and the backbone.
        models: Names of the models.
        panel: What the panel is called.
        trainings: How many trainings of a model are shown at most; of shards there is one.
        **files: Names of files in the models' folders, by what the table calls them.
    """
    dataset, backbone = pair
    rows = []
    for model in models:
        labels = common_labels(run, dataset, backbone, panel)
        labels |= {"method": run.label(model), "printed": run.paper_label(model)}
        numbers = range(min(trainings, run.trainings(model)))
        for seed, number in product(run.settings.seeds, numbers):
            state = {"dataset": dataset, "protocol": protocol, "seed": seed}
            trained = {"backbone": run.training(backbone, number), "model": model}
            folder = places.place(places.MODEL, **state, **trained)
            own = {name: f"{folder}/{file}" for name, file in files.items()}
            own["cohort"] = cohort_file(state, panel)
            rows.append(Row(**state, **trained, training=number, labels=labels, files=own))
    return rows


def cell_row(run: Run, cell: Cell, label: str, **files: str) -> Row:
    """Return a row of what an LLM answered, in the panel of its cohort.

    Args:
        run: The configuration.
        cell: What was answered.
        label: What the row is called, but for whose candidates it has.
        **files: Names of files in the cell's folder, by what the table calls them.
    """
    panel = panel_of(cell.cohort)
    called = label + candidates_suffix(run, cell.candidates_of)
    labels = common_labels(run, cell.dataset, cell.backbone, panel)
    labels |= {"method": called, "printed": called}
    own = {name: cell_file(cell, file) for name, file in files.items()}
    own["cohort"] = cohort_file(cell.state, panel)
    return Row(**cell.state, backbone=cell.backbone, cell=cell, labels=labels, files=own)


def cragru_rows(run: Run, cells: Sequence[Cell], pair: tuple[str, str]) -> list[Row]:
    """Return CRAGRU and its controls on a data set and backbone, each under every seed.

    Rows of what the LLM ordered have its `cost`; the others None.
    """
    rows = []
    for label, order, results in CONTROLS:
        for cell in cells:
            if (cell.pair, cell.order) == (pair, order):
                is_llm = results == places.PER_USER
                cost = scored_file(cell, places.COST) if is_llm else None
                row = cell_row(run, cell, label, per_user=results)
                rows.append(row.of_files(cost=cost))
    controls = [name for name in run.settings.scoring.controls if name in WITHOUT_LLM]
    for name, cell in product(controls, cells):
        if (cell.pair, cell.order) == (pair, SHOWN):
            folder = places.place(places.CONTROLS_FOLDER, **cell._asdict())
            results = places.controls_files(folder)[name]
            row = cell_row(run, cell, WITHOUT_LLM[name])
            rows.append(row.of_files(per_user=results, cost=None))
    return rows
