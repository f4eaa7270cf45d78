"""Gather what several jobs answered into one cell's scores and costs."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from cragru.core.errors import CragruError
from cragru.core.place import PathLike
from cragru.kept.files import read_record
from cragru.llm.answers import read_scores
from cragru.llm.base import Answer
from cragru.llm.records import PromptRecord
from cragru.llm.reranking import SCORES
from cragru.llm.store import AGAIN, AnswerStore

Receipt = Mapping[str, Mapping[str, str]]
"""What one job answered: file of prompts -> number of the chunk in it (from 0) -> the chunk's key."""


def read_receipt(path: PathLike) -> Receipt:
    """Return a job's receipt, from its file.

    Raises:
        CragruError: If it is none.
    """
    return read_record(path, dict[str, dict[str, str]])


def read_receipts(receipts: Iterable[Receipt], cell: str) -> list[str]:
    """Return the keys of a cell's chunks, in their order, from the receipts of all jobs that shared them.

    Raises:
        CragruError: If a chunk is missing.
    """
    found: dict[int, str] = {}
    for receipt in receipts:
        for number, key in receipt.get(cell, {}).items():
            found[int(number)] = key
    numbers = sorted(found)
    if not found or numbers != list(range(len(found))):
        raise CragruError("chunks are missing", place=cell, got=numbers, advice=AGAIN)
    return [found[number] for number in numbers]


def collect_scores(
    records: Sequence[PromptRecord], keys: Sequence[str], store: AnswerStore
) -> tuple[pd.DataFrame, list[Answer]]:
    """Return the scores of every candidate of a cell, columns of `SCORES`, and the answers that they were read from.

    Raises:
        CragruError: If there are not as many answers as prompts, or one cannot be read.
    """
    answers: list[Answer] = []
    for key in keys:
        answers += store.answers(key)
    if len(answers) != len(records):
        raise CragruError(f"not {len(records)} answers", got=len(answers), advice=AGAIN)
    frames = []
    for record, answer in zip(records, answers, strict=True):
        scores = read_scores(answer.text, record.ids, f"user {record.user}")
        places = range(1, len(scores) + 1)
        columns = {"user": record.user, "shown": places, "item": record.candidates, "score": scores}
        frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True).astype(SCORES), answers


def cell_cost(
    before: Mapping[str, Mapping[str, Any]],
    answers: Sequence[Answer],
    costs: Sequence[Mapping[str, Any]],
    ties: float,
) -> dict[str, float | int | str]:
    """Return what a request of a cell's users took on average.

    `before` has the costs of the stages `filter` and `prompt`, `costs` what each chunk took, as the store has it.

    Returns:
        Means per user, in seconds, tokens and lines; `users`, `tie_rate`, `device`, and `engine_start_seconds` apart.
    """
    users = len(answers)
    totals = _totals(answers, costs)
    return {
        "users": users,
        "filter_seconds": before["filter"]["seconds_per_user"],
        "prompt_seconds": before["prompt"]["seconds_per_user"],
        "generation_seconds": totals["seconds"] / users,
        "prompt_tokens": totals["prompt_tokens"] / users,
        "answer_tokens": totals["answer_tokens"] / users,
        "dropped": before["prompt"]["dropped"],
        "tie_rate": ties,
        "engine_start_seconds": totals["engine_start_seconds"],
        "device": totals["device"],
    }


def request_cost(
    before: Sequence[Mapping[str, float]],
    answers: Sequence[Answer],
    costs: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return what a request took, with the fields of an unlearning method's cost.json (`cragru.unlearning.base.Cost`).

    `before` has each user's seconds of the stages before the answer, `costs` what it took; each was given alone.

    Returns:
        `seconds_sequential`: all users one after the other; `seconds_parallel`: the longest of them; `stages`: of all
        users; no model is trained. Beside these: `users`, `prompt_tokens` and `answer_tokens` of all of them, and
        `engine_start_seconds`, which is in none of the seconds.
    """
    users, stages = _seconds_of_users(before, costs)
    totals = _totals(answers, costs)
    del totals["seconds"]
    return totals | {
        "seconds_sequential": sum(users),
        "seconds_parallel": max(users),
        "shards_touched": 0,
        "optimiser_steps": 0,
        "hessian_products": 0,
        "stages": stages,
        "users": len(users),
    }


def _seconds_of_users(
    before: Sequence[Mapping[str, float]], costs: Sequence[Mapping[str, Any]]
) -> tuple[list[float], dict[str, float]]:
    """Return each user's seconds, and each stage's of all users."""
    users, stages = [], dict.fromkeys([*before[0], "generation"], 0)
    for seconds, cost in zip(before, costs, strict=True):
        own = {**seconds, "generation": cost["seconds"]}
        users.append(sum(own.values()))
        for name in stages:
            stages[name] += own[name]
    return users, stages


def _totals(answers: Sequence[Answer], costs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what all answers took together, and where: the longest start of an engine, the names of all devices."""
    devices = {cost["device"] for cost in costs}
    return {
        "seconds": sum(cost["seconds"] for cost in costs),
        "prompt_tokens": sum(answer.prompt_tokens for answer in answers),
        "answer_tokens": sum(answer.answer_tokens for answer in answers),
        "engine_start_seconds": max(cost["start_seconds"] for cost in costs),
        "device": " and ".join(sorted(devices)),
    }
