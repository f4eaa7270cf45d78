"""What tables and figures call things: rows are told apart by their labels, so these must differ, also to the eye."""

import re
import unicodedata
from collections.abc import Iterator

from cragru.config.types import JOINERS
from cragru.core.errors import Problem
from cragru.core.names import MEAN
from cragru.plan.project import Project
from cragru.plan.rows import MODEL_ROWS, STRATEGY_ROWS

ADVICE = "give each its own label"
PAPER, ANCHORS, NO_LABEL = "paper", "anchors", "(?!)"


def wrong_labels(project: Project) -> Iterator[Problem]:
    """Yield labels that two entries of one table share, and those that a table has for rows of its own."""
    files, params = project.settings.files, project.params
    first: dict[tuple[str, str], str] = {}
    for section, key, entries, beside, taken in (
        (f"{files.datasets}: datasets", "title", project.registry.datasets, "titles", MEAN),
        (f"{files.params}: backbones", "label", params.backbones, "backbones", MEAN),
        # Figure 4 has methods and strategies
        (f"{files.params}: methods", "label", params.methods, "rows", MODEL_ROWS),
        (f"{files.params}: strategies", "label", params.strategies, "rows", STRATEGY_ROWS),
        (f"{files.params}: methods", "paper", params.methods, PAPER, MODEL_ROWS),
        (f"{files.tables}: tables", "label", project.tables.tables, ANCHORS, NO_LABEL),
    ):
        for name, entry in entries.items():
            label, place = getattr(entry, key) or "", f"{section}.{name}.{key}"
            seen = label if beside == ANCHORS else _to_the_eye(label)
            twin = first.setdefault((beside, seen), place)
            if twin != place and beside != PAPER:
                yield Problem(f"{twin} is the same", place, label, advice=ADVICE)
            if re.fullmatch(_to_the_eye(taken), seen):
                yield Problem("tables call another row so", place, label, advice=ADVICE)


def _to_the_eye(label: str) -> str:
    """Return what a reader can tell apart: no letters of another case, no other code for a letter, nothing unseen."""
    shown = re.sub(f"[{JOINERS}]", "", label)
    return " ".join(unicodedata.normalize("NFKC", shown).casefold().split())
