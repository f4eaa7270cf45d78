"""What tables and figures call things: rows are told apart by their labels, so these must differ, also to the eye."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cragru.core.errors import Problem
from cragru.core.names import MEAN, ORIGINAL_LABEL
from cragru.plan.rows import CANDIDATES_OF, CONTROLS, CRAGRU, NO_LLM
from cragru.plan.run import Run
from cragru.plan.tables.base import Entries

ADVICE = "give each its own label"
OF_CRAGRU = rf"({CRAGRU}|{NO_LLM})(,.*)?|.*{CANDIDATES_OF.strip()}.*"
"""How tables call rows of an LLM, its controls and other candidates; a strategy's: `CRAGRU, ` and its label."""


def wrong_labels(run: Run, tables: Entries) -> Iterator[Problem]:
    """Yield labels that two entries of one table share, and those that a table has for rows of its own."""
    files, params = run.settings.files, run.params
    titles = _labels(files.datasets, "datasets", run.registry.datasets, "title")
    backbones = _labels(files.params, "backbones", params.backbones)
    methods = _labels(files.params, "methods", params.methods)
    printed = _labels(files.params, "methods", params.methods, "paper")
    strategies = _labels(files.params, "strategies", params.strategies)
    for labels in (titles, backbones, methods | strategies):  # Figure 4 has methods and strategies
        yield from _twins(labels)
    yield from _twins(_labels(files.tables, "tables", tables), str)
    yield from _reserved(titles | backbones, MEAN)
    yield from _reserved(methods | printed | strategies, f"{ORIGINAL_LABEL}|{OF_CRAGRU}")
    controls = [label.removeprefix(f"{CRAGRU}, ") for label, _, _ in CONTROLS]
    yield from _reserved(strategies, "|".join(controls))


def _labels(
    file: str, section: str, entries: Mapping[str, Any], key: str = "label"
) -> dict[str, str]:
    """Return the labels that entries have, by the places of these."""
    found = {}
    for name, entry in entries.items():
        label = getattr(entry, key)
        if label is not None:
            found[f"{file}: {section}.{name}.{key}"] = label
    return found


def _twins(labels: dict[str, str], seen: Callable[[str], str] | None = None) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for place, label in labels.items():
        twin = first.setdefault((seen or _to_the_eye)(label), place)
        if twin != place:
            yield Problem(f"{twin} is the same", place, label, advice=ADVICE)


def _reserved(labels: dict[str, str], taken: str) -> Iterator[Problem]:
    pattern = re.compile(_to_the_eye(taken))
    for place, label in labels.items():
        if pattern.fullmatch(_to_the_eye(label)):
            yield Problem("tables call another row so", place, label, advice=ADVICE)


def _to_the_eye(label: str) -> str:
    """Return what a reader can tell apart: no letters of another case, nor another code for the same letter."""
    return " ".join(unicodedata.normalize("NFKC", label).casefold().split())
