"""Tables of what an LLM is worth: its orders of the candidates, between the orders that need no LLM."""

from collections.abc import Iterator
from itertools import product
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PositiveInt

from cragru.config.base import Frozen
from cragru.config.models import Models, Names
from cragru.config.types import Name
from cragru.core import names
from cragru.core.errors import Problem
from cragru.core.names import FORMS, NO_FUSION, ON_VALIDATION, OTHER, OWN, TRAINING
from cragru.plan import places
from cragru.plan.cells import SHOWN, TABLE_STRATEGY, Cell, scored_file
from cragru.plan.rows import (
    EVERYONE,
    NO_LLM,
    WITHOUT_LLM,
    Row,
    candidates_suffix,
    cell_row,
    common_labels,
    pairs_of,
)
from cragru.plan.run import Run
from cragru.plan.tables.base import (
    Entries,
    Mask,
    OfProtocol,
    Table,
    not_forget_first,
    unknown_cutoffs,
    unknown_names,
    wrong_form,
)
from cragru.plan.variants import base_of
from cragru.plan.words import protocol_title, scoring_note

ORDERS = {
    names.RANDOM_ORDER: "Random order",
    names.NO_LLM: NO_LLM,
    names.POPULARITY: WITHOUT_LLM[names.POPULARITY],
    names.FUSED_POPULARITY: "Popularity fused, no LLM",
    names.CONTENT: WITHOUT_LLM[names.CONTENT],
    names.BEST_ORDER: "Best order",
}
"""What the orders without an LLM are called, by their names in paths; rows of an LLM stand before the last."""
WEIGHED = {names.POPULARITY: names.FUSED_POPULARITY}  # the same score beside the backbone's


class Asked(Frozen):
    """One way in which an LLM is asked."""

    form: Literal[FORMS] = Field(description="how candidates are scored, as in scoring.form")
    llm: Name | None = Field(
        default=None, description="which one, by its name in llms.yaml; null: scoring.llm"
    )
    cohort: Name | None = Field(
        default=None, description="whom it scores, of scoring.cohorts; null: scoring.cohort"
    )
    strategies: Annotated[Names, Field(min_length=1)] = Field(
        default=[TABLE_STRATEGY], description="retrieval strategies, by their names in params.yaml"
    )
    backbones: Annotated[Names, Field(min_length=1)] | None = Field(
        default=None,
        description="backbones, by their names in params.yaml; those that the run has are shown; null: all of the run",
    )
    candidates_of: Annotated[Models, Field(min_length=1)] | None = Field(
        default=None,
        description="whose candidates, of those that the table shows; null: as retrieval.candidates_of says",
    )
    seeds: PositiveInt | None = Field(
        default=None, description="under how many of the run's seeds, the first ones; null: all"
    )
    other: bool = Field(
        default=False,
        description="whether it is also shown histories drawn from the catalogue: own less other is what is personal",
    )
    fused: bool = Field(
        default=False,
        description="whether its scores also stand beside the backbone's, by a weight from validation lists",
    )

    def cells(self, run: Run, protocol: str, pair: tuple[str, str], source: str) -> list[Cell]:
        """Return what is asked on a data set and backbone with the candidates of a model, seeds last."""
        dataset, backbone = pair
        scoring = run.settings.scoring
        llm, cohort = self.llm or scoring.llm, self.cohort or scoring.cohort
        is_wanted = source in (self.candidates_of or run.settings.retrieval.candidates_of)
        if self.backbones is not None:
            is_wanted = is_wanted and base_of(backbone) in self.backbones
        if scoring.llm is None or not is_wanted:
            return []
        # drawn histories stand alone: not what is fused, but the scores say what is personal
        ways = [(OWN, NO_FUSION)]
        ways += [(OTHER, NO_FUSION)] if self.other else []
        ways += [(OWN, ON_VALIDATION)] if self.fused else []
        found = []
        for strategy, way, seed in product(self.strategies, ways, run.settings.seeds[: self.seeds]):
            shown = (dataset, protocol, seed, backbone, source, strategy, SHOWN)
            found.append(Cell(*shown, llm, self.form, cohort, *way))
        return found


class LlmWorthTable(Table):
    """A table of what an LLM is worth: its orders of the candidates, between the orders that need no LLM."""

    maker: ClassVar[str] = "cragru.reporting.llm_worth_table"

    kind: Literal["llm-worth"]
    protocol: OfProtocol
    mask: Mask
    cutoff: PositiveInt = Field(default=10, description="K of NDCG@K")
    candidates_of: Models = Field(
        default=[],
        description="whose candidates are shown beside retrieval.candidates_of. Retrain's hold nothing that was learnt "
        "from forgotten rows",
    )
    asked: list[Asked] = Field(
        default=[],
        description="what an LLM is asked, entry by entry; without scoring.llm nothing is",
    )

    def rows(self, run: Run, tables: Entries) -> list[Row]:
        """Return the orders of each backbone's and source's candidates, from random to best; the LLM's before the last.

        Orders without an LLM are of all users. Rows with drawn histories are there to be held against.
        """
        *controls, best = ORDERS
        rows = []
        for pair, source in self._groups(run):
            for name in controls:
                rows += self._control_rows(run, pair, source, name)
            for asked in self.asked:
                for cell in asked.cells(run, self.protocol, pair, source):
                    rows.append(_llm_row(run, asked, cell))
            rows += self._control_rows(run, pair, source, best)
        return rows

    def words(self, run: Run, tables: Entries) -> dict[str, Any]:
        """Return what the protocol is called, what is evaluated, and what is said of the LLM's part."""
        return {
            "title": protocol_title(run, self.protocol),
            "mask": self.mask,
            "cutoff": self.cutoff,
            "note": scoring_note(run, self.rows(run, tables)),
        }

    def problems(self, run: Run, tables: Entries) -> Iterator[Problem]:
        """See `Shown`."""
        yield from not_forget_first(run, self.protocol)
        yield from unknown_cutoffs([self.cutoff], "cutoff")
        for number, asked in enumerate(self.asked):
            place = f"asked.{number}"
            yield from unknown_names(f"{place}.llm", filter(None, [asked.llm]), run.llms.llms)
            for key in ("strategies", "backbones"):
                named, known = getattr(asked, key) or [], getattr(run.params, key)
                yield from unknown_names(f"{place}.{key}", named, known)

    def run_problems(self, run: Run, tables: Entries, name: str) -> Iterator[Problem]:
        """See `Shown`."""
        place = f"{run.settings.files.tables}: tables.{name}.asked"
        cohorts = run.settings.scoring.cohorts
        for number, asked in enumerate(self.asked):
            named, llm = filter(None, [asked.cohort]), asked.llm or run.settings.scoring.llm
            yield from unknown_names(f"{place}.{number}.cohort", named, cohorts)
            if run.settings.scoring.llm is not None:
                yield from wrong_form(run, f"{place}.{number}.form", llm, asked.form)
        cells = []
        for group, asked in product(self._groups(run), self.asked):
            cells += asked.cells(run, self.protocol, *group)
        if len(set(cells)) < len(cells):
            yield Problem("two entries ask the same", place, advice="leave one out")

    def _groups(self, run: Run) -> list[tuple[tuple[str, str], str]]:
        """Return what candidates are of: data set and backbone, and whose they are."""
        sources = dict.fromkeys([*run.settings.retrieval.candidates_of, *self.candidates_of])
        return list(product(pairs_of(run), sources))

    def _control_rows(self, run: Run, pair: tuple[str, str], source: str, name: str) -> list[Row]:
        """Return an order that no LLM takes part in, under every seed."""
        dataset, backbone = pair
        rows = []
        for seed in run.settings.seeds:
            state = {"dataset": dataset, "protocol": self.protocol, "seed": seed}
            own = {"backbone": backbone, "candidates_of": source}
            folder = places.place(places.CONTROLS_FOLDER, **state, **own)
            fused = ORDERS.get(WEIGHED.get(name))
            labels = common_labels(run, dataset, backbone, EVERYONE)
            labels |= _labels(run, source, ORDERS[name], fused)
            labels |= {"control": name, "history": None}
            files = {"per_user": places.controls_files(folder)[name], "cohort": None, "cost": None}
            is_weighed = name in WEIGHED.values()
            files["weight"] = f"{folder}/{places.WEIGHTS}" if is_weighed else None
            rows.append(Row(**state, **own, labels=labels, files=files))
        return rows


def _llm_row(run: Run, asked: Asked, cell: Cell) -> Row:
    """Return an order of an LLM, with the file of the weight that it is fused by, if it is."""
    label, fused, other = _label(run, cell), None, None
    if asked.fused and cell.fusion == NO_FUSION:
        fused = _label(run, cell._replace(fusion=ON_VALIDATION))
    if asked.other and (cell.history, cell.fusion) == (OWN, NO_FUSION):
        other = _label(run, cell._replace(history=OTHER))
    row = cell_row(run, cell, label, per_user=places.PER_USER)
    row = row.called(**_labels(run, cell.candidates_of, label, fused, other))
    weight = None
    if cell.fusion != NO_FUSION:
        weight = scored_file(cell._replace(history=TRAINING), places.FUSION)
    cost = scored_file(cell, places.COST)
    return row.called(control=None, history=cell.history).of_files(cost=cost, weight=weight)


def _label(run: Run, cell: Cell) -> str:
    """Return what a row of an LLM is called, but for whose candidates it has."""
    parts = [run.llms.llms[cell.llm].label, cell.form]
    if cell.strategy != TABLE_STRATEGY:
        parts.append(run.strategy(cell.strategy).label)
    if cell.fusion != NO_FUSION:
        parts.append("fused")
    if cell.history == OTHER:
        parts.append("drawn history")
    return ", ".join(parts)


def _labels(
    run: Run, source: str, order: str, fused: str | None, other: str | None = None
) -> dict[str, str | None]:
    """Return the labels of an order of a model's candidates.

    Args:
        run: The configuration.
        source: Whose candidates they are.
        order: What the table calls it.
        fused: What it calls the same scores beside the backbone's, where it shows them, too.
        other: What it calls the same with drawn histories, where it has that.
    """
    suffix = candidates_suffix(run, source)
    labels = {"method": order, "printed": order, "fused": fused, "other": other}
    labels = {name: label and label + suffix for name, label in labels.items()}
    return labels | {"order": order, "candidates_of": run.label(source)}
