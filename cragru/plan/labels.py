"""What tables and figures call things: rows are told apart by their labels, so these must differ, also to the eye."""

import unicodedata
from collections.abc import Iterator, Sequence

from cragru.core.names import MEAN, ORIGINAL, ORIGINAL_LABEL
from cragru.plan.rows import CANDIDATES_OF, CONTROLS, CRAGRU, NO_LLM
from cragru.plan.run import Run

OWN = [label for label, _, _ in CONTROLS]
"""Rows of an LLM and its controls; a strategy's is called `CRAGRU, ` and the strategy's label."""


def shared_labels(run: Run) -> Iterator[str]:
    """No two entries that stand in one table may have one label."""
    files, params = run.settings.files, run.params
    titles = [(name, entry.title) for name, entry in run.registry.datasets.items()]
    backbones = [(name, entry.label) for name, entry in params.backbones.items()]
    methods = [(name, entry.label) for name, entry in params.methods.items()]
    strategies = [(name, entry.label) for name, entry in params.strategies.items()]
    yield from _twins(files.datasets, titles)
    yield from _twins(files.params, backbones)
    # Figure 4 has methods and strategies
    yield from _twins(files.params, [(ORIGINAL, ORIGINAL_LABEL), *methods, *strategies])


def reserved_labels(run: Run) -> Iterator[str]:
    """No entry may have the label of a row that tables have of their own."""
    files, params = run.settings.files, run.params
    for name, entry in run.registry.datasets.items():
        yield from _reserved(f"{files.datasets}: datasets.{name}.title", entry.title, [MEAN])
    for name, entry in params.backbones.items():
        yield from _reserved(f"{files.params}: backbones.{name}.label", entry.label, [MEAN])
    for name, entry in params.methods.items():
        yield from _own(f"{files.params}: methods.{name}.label", entry.label)
        if entry.paper is not None:
            place = f"{files.params}: methods.{name}.paper"
            yield from _own(place, entry.paper)
            yield from _reserved(place, entry.paper, [ORIGINAL_LABEL])
    controls = [label.removeprefix(f"{CRAGRU}, ") for label in OWN]
    for name, entry in params.strategies.items():
        place = f"{files.params}: strategies.{name}.label"
        yield from _reserved(place, entry.label, [*controls, ORIGINAL_LABEL])
        yield from _own(place, entry.label)


def _twins(where: str, labels: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Labels of named entries that another entry has, too."""
    first: dict[str, str] = {}
    for name, label in labels:
        twin = first.get(_to_the_eye(label))
        first.setdefault(_to_the_eye(label), name)
        if twin is not None:
            yield f"{where}: {name!r} and {twin!r} are both called {label!r} in tables; give each its own label"


def _own(place: str, label: str) -> Iterator[str]:
    """A label that is, or begins or ends like, that of a row of an LLM."""
    seen = _to_the_eye(label)
    starts = tuple(_to_the_eye(f"{name},") for name in (CRAGRU, NO_LLM))
    if seen in map(_to_the_eye, (CRAGRU, NO_LLM)) or seen.startswith(starts):
        yield f"{place}: got {label!r}, as tables call a row of CRAGRU; choose another label"
    elif _to_the_eye(CANDIDATES_OF) in seen:
        yield f"{place}: got {label!r}; '{CANDIDATES_OF}' tells rows of CRAGRU apart; choose another label"


def _reserved(place: str, label: str, names: list[str]) -> Iterator[str]:
    """A label that tables have for something else."""
    if _to_the_eye(label) in map(_to_the_eye, names):
        yield f"{place}: got {label!r}, which tables call something else; choose another label"


def _to_the_eye(label: str) -> str:
    """What a reader can tell apart: neither letters of another case nor another code for the same letter."""
    return " ".join(unicodedata.normalize("NFKC", label).casefold().split())
