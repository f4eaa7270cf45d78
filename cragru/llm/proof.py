"""Proof that prompts hold nothing forgotten: by the ids behind each prompt, and by rendering it from them again."""

from collections.abc import Sequence

import pandas as pd

from cragru.core.errors import CragruError
from cragru.llm.building import Library, render_again
from cragru.llm.counts import COUNTED
from cragru.llm.prompts import Template
from cragru.llm.records import PromptRecord

REMAINING = ("train", "valid")
Pairs = set[tuple[int, int]]  # users and items


def check_prompts(
    records: Sequence[PromptRecord],
    parts: dict[str, pd.DataFrame],
    interactions: pd.DataFrame,
    library: Library,
    template: Template,
    where: str,
) -> dict[str, int]:
    """Check every prompt of a cell against the whole split.

    Titles are not searched for: two movies may share one, and a forgotten movie may well be a candidate.

    Returns:
        The counts in `COUNTED`: forgotten_in_history is 0, or this would have failed; forgotten_candidates are those
        that their user has asked to forget.

    Raises:
        CragruError: If a history shows a row that is another user's, forgotten, of the test set, or not in the split;
            or if a prompt says anything but what its ids stand for.
    """
    labels = [pd.Series(name, index=part["row"]) for name, part in parts.items()]
    part_of = pd.concat(labels)
    forgotten = set(zip(parts["forget"]["user"], parts["forget"]["item"], strict=True))
    for record in records:
        place = f"{where}: user {record.user}"
        _check_rows(record, part_of, interactions, forgotten, place)
        if not _is_what_its_ids_say(record, library, template, interactions):
            raise CragruError(
                "the prompt is not what its ids stand for",
                place=place,
                advice="delete it and run again",
            )
    return _counts(records, forgotten)


def _check_rows(
    record: PromptRecord,
    part_of: pd.Series,
    interactions: pd.DataFrame,
    forgotten: Pairs,
    place: str,
) -> None:
    users, items = interactions["user"].to_numpy(), interactions["item"].to_numpy()
    for row in record.rows:
        part, known = part_of.get(row, "none"), 0 <= row < len(users)
        user, item = (users[row], items[row]) if known else ("unknown", None)
        if known and part in REMAINING and user == record.user and (user, item) not in forgotten:
            continue
        raise CragruError(
            f"the history shows a row of user {user}, part {part}",
            place=place,
            got=row,
            advice="nothing was scored; this is a bug of cragru, please report it",
        )


def _is_what_its_ids_say(
    record: PromptRecord, library: Library, template: Template, interactions: pd.DataFrame
) -> bool:
    ids = [library.movies[item].id for item in record.candidates]
    prompt = render_again(library, template, record, interactions)
    return (ids, prompt) == (record.ids, record.prompt)


def _counts(records: Sequence[PromptRecord], forgotten: Pairs) -> dict[str, int]:
    counts = dict.fromkeys(COUNTED, 0)
    counts["prompts"] = len(records)
    for record in records:
        counts["history_rows"] += len(record.rows)
        counts["candidates"] += len(record.candidates)
        for item in record.candidates:
            counts["forgotten_candidates"] += (record.user, item) in forgotten
    return counts
