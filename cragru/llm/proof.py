"""Proof that prompts hold nothing forgotten: by the ids behind each prompt, and by rendering it from them again."""

from collections.abc import Sequence

import pandas as pd

from cragru.core.errors import CragruError
from cragru.llm.building import Library, render_again
from cragru.llm.counts import COUNTED
from cragru.llm.prompts import Template
from cragru.llm.records import PromptRecord, by_user

AGAIN = "delete it and run again"
BUG = "nothing was scored; this is a bug of cragru, please report it"
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
        The counts in `COUNTED`: forgotten_in_history is 0; forgotten_candidates are those that their user forgets.

    Raises:
        CragruError: If a history shows a row that is another user's, forgotten, of the test set, or not in the split;
            if one that was drawn shows what its user has or forgets; or if a prompt says anything but what its ids
            stand for.
    """
    forgotten = set(zip(parts["forget"]["user"], parts["forget"]["item"], strict=True))
    users = _users_of_rows(parts, forgotten)
    theirs = forgotten | {
        pair
        for name in REMAINING
        for pair in zip(parts[name]["user"], parts[name]["item"], strict=True)
    }
    for record in records:
        place = f"{where}: user {record.user}"
        for row in record.rows:
            if users.get(row) != record.user:
                whose = _whose(row, parts)
                raise CragruError(f"a row of {whose} is shown", place=place, got=row, advice=BUG)
        own = [item for item in record.drawn if (record.user, item) in theirs]
        if own:
            raise CragruError("drawn items are of the user", place=place, got=own, advice=BUG)
        if not _is_what_its_ids_say(record, library, template, interactions):
            raise CragruError("not what its ids stand for", place=place, advice=AGAIN)
    return _counts(records, forgotten)


def _users_of_rows(parts: dict[str, pd.DataFrame], forgotten: Pairs) -> dict[int, int]:
    """Return the rows that histories may show, and whose they are."""
    rest = pd.concat(parts[name] for name in REMAINING)
    rows = zip(rest["row"], rest["user"], rest["item"], strict=True)
    return {row: user for row, user, item in rows if (user, item) not in forgotten}


def _whose(row: int, parts: dict[str, pd.DataFrame]) -> str:
    """Return the user and part of a row, for an error."""
    for name, part in parts.items():
        for user in part.loc[part["row"] == row, "user"]:
            return f"user {user}, part {name}"
    return "nobody"


def _is_what_its_ids_say(
    record: PromptRecord, library: Library, template: Template, interactions: pd.DataFrame
) -> bool:
    ids = [library.movies[item].id for item in record.candidates]
    prompt = render_again(library, template, record, interactions)
    return (ids, prompt) == (record.ids, record.prompt)


def _counts(records: Sequence[PromptRecord], forgotten: Pairs) -> dict[str, int]:
    """Return the counts in `COUNTED`; what several prompts of a user show counts once."""
    counts = dict.fromkeys(COUNTED, 0)
    counts["prompts"] = len(records)
    for own in by_user(records):
        shown = {("row", row) for record in own for row in record.rows}
        shown |= {("item", item) for record in own for item in record.drawn}
        candidates = {(record.user, item) for record in own for item in record.candidates}
        counts["history_rows"] += len(shown)
        counts["candidates"] += len(candidates)
        counts["forgotten_candidates"] += len(candidates & forgotten)
    return counts
