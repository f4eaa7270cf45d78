"""What a cell asks and hears, as files of one JSON object a line: a user's prompt with the ids behind it."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from cragru.core.errors import CragruError
from cragru.core.place import PathLike, spot
from cragru.kept.files import check_record, write_text

SHAPE = {"user": int, "prompt": str, "tokens": int, "dropped": int}
SHAPE |= {"rows": [int], "candidates": [int], "ids": [str], "drawn": [int], "ranked": [int]}


@dataclass(frozen=True)
class PromptRecord:
    """One user's prompt.

    Attributes:
        prompt: The text, without the chat template.
        tokens: The prompt's length with the chat template.
        dropped: Oldest history rows that were left out, because the prompt would have been too long.
        rows: Rows of the prepared interactions that the history lines show, oldest first.
        candidates: Items in the order shown.
        ids: The publisher's ids of the candidates, as the prompt and the answer name them; labels may stand for them.
        drawn: Items that the history lines show instead of rows, where it is nobody's (`cragru.retrieval.drawing`).
        ranked: The candidates in the cell's order, where the form of scoring shows them in an order of its own.
    """

    user: int
    prompt: str
    tokens: int
    dropped: int
    rows: list[int]
    candidates: list[int]
    ids: list[str]
    drawn: list[int] = field(default_factory=list)
    ranked: list[int] = field(default_factory=list)


def by_user(records: Iterable[PromptRecord]) -> list[list[PromptRecord]]:
    """Return the prompts of each user, who stand together, in the order of the users."""
    return [list(own) for _, own in groupby(records, attrgetter("user"))]


def write_prompts(path: PathLike, records: Iterable[PromptRecord]) -> None:
    """Write one line a prompt, in order."""
    lines = [json.dumps(asdict(record), ensure_ascii=False) + "\n" for record in records]
    write_text(path, "".join(lines))


def read_prompts(path: PathLike) -> list[PromptRecord]:
    """Read the records of a file that `write_prompts` has written.

    Raises:
        CragruError: If a line is no prompt record.
    """
    text = Path(path).read_text(encoding="utf-8")
    records = []
    # not splitlines: a title may hold U+2028
    for number, line in enumerate(text.split("\n")[:-1], start=1):
        place = spot(path, number)
        try:
            record = PromptRecord(**json.loads(line))
        except (ValueError, TypeError, RecursionError) as error:  # TypeError: it has other keys
            raise CragruError(
                f"no record ({error})", place=place, advice="delete it and run again"
            ) from error
        check_record(place, vars(record), SHAPE)
        records.append(record)
    return records
