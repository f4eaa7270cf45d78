"""Gather what several jobs answered into one cell's scores and costs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import pandas as pd

from cragru.core.clock import Seconds
from cragru.core.errors import CragruError
from cragru.core.place import PathLike
from cragru.kept.files import read_record
from cragru.llm.base import Answer
from cragru.llm.forms.base import Form
from cragru.llm.forms.listwise import FORM as PAPER_FORM
from cragru.llm.records import PromptRecord, by_user
from cragru.llm.reranking import SCORES
from cragru.llm.store import AGAIN, CELLS, CPU, AnswerStore

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
    records: Sequence[PromptRecord],
    keys: Sequence[str],
    store: AnswerStore,
    form: Form = PAPER_FORM,
) -> tuple[pd.DataFrame, list[Answer]]:
    """Return the scores of every candidate of a cell, columns of `SCORES`, and the answers that they were read from.

    Cells that were answered together share the tokens: an answer has an equal part of its own.

    Raises:
        CragruError: If there are not as many answers as prompts, or one cannot be read.
    """
    answers: list[Answer] = []
    for key in keys:
        cells = store.cost(key).get(CELLS, 1)
        answers += [_part_of(answer, cells) for answer in store.answers(key)]
    if len(answers) != len(records):
        raise CragruError(f"not {len(records)} answers", got=len(answers), advice=AGAIN)
    waiting = iter(answers)
    frames = []
    for own in by_user(records):
        user = own[0].user
        scores = form.scores(own, list(islice(waiting, len(own))), f"user {user}")
        columns = {"user": user, "shown": range(1, len(scores) + 1)}
        frames.append(
            pd.DataFrame(columns | {"item": list(scores), "score": list(scores.values())})
        )
    return pd.concat(frames, ignore_index=True).astype(SCORES), answers


def _part_of(answer: Answer, cells: int) -> Answer:
    """Return an answer with the tokens of one of so many cells."""
    if cells == 1:
        return answer
    tokens = answer.prompt_tokens / cells, answer.answer_tokens / cells
    return replace(answer, prompt_tokens=tokens[0], answer_tokens=tokens[1])


def cell_cost(
    before: Mapping[str, Mapping[str, Any]],
    answers: Sequence[Answer],
    costs: Sequence[Mapping[str, Any]],
    ties: float,
    users: int,
) -> dict[str, float | int | str]:
    """Return what a request of a cell's users took on average.

    `before` has the costs of the stages `filter` and `prompt`, `costs` what each chunk took, as the store has it. Of a
    chunk that served several cells, a cell has an equal part of the seconds, as it has of the tokens.

    Returns:
        Means per user, in wall and (`cpu_…`, None where they are unknown) CPU seconds, tokens and lines; `users`,
        `tie_rate`, `device`, and `engine_start_seconds` apart.
    """
    costs = list(map(_part_of_cost, costs))
    totals, cpu = _totals(answers, costs), _cpu_seconds(costs)
    return {
        "users": users,
        "filter_seconds": before["filter"]["seconds_per_user"],
        "prompt_seconds": before["prompt"]["seconds_per_user"],
        "generation_seconds": totals["seconds"] / users,
        "cpu_filter_seconds": before["filter"]["cpu_seconds_per_user"],
        "cpu_prompt_seconds": before["prompt"]["cpu_seconds_per_user"],
        "cpu_generation_seconds": None if cpu is None else cpu / users,
        "prompt_tokens": totals["prompt_tokens"] / users,
        "answer_tokens": totals["answer_tokens"] / users,
        "dropped": before["prompt"]["dropped"],
        "tie_rate": ties,
        "engine_start_seconds": totals["engine_start_seconds"],
        "device": totals["device"],
    }


def _part_of_cost(cost: Mapping[str, Any]) -> dict[str, Any]:
    """Return a chunk's cost with the seconds of one of the cells that it served."""
    cells = cost.get(CELLS, 1)
    seconds = {name: cost[name] / cells for name in ("seconds", CPU) if name in cost}
    return {**cost, **seconds}


def vectors_cost(
    filtered: Mapping[str, float],
    encoded: Mapping[str, float],
    compared: Seconds,
    users: int,
    ties: float,
) -> dict[str, float | int | str | None]:
    """Return what a request takes of an encoder, with the fields of `cell_cost`.

    The catalogue is encoded once, so that a user has a share of its tokens; the seconds of that are the engine's start.

    Args:
        filtered: Seconds of a user's stage `filter`.
        encoded: `seconds`, `cpu_seconds` and `tokens` of the whole catalogue.
        compared: Seconds in which all users' candidates were compared.
        users: How many there are.
        ties: Their tie rate.
    """
    return {
        "users": users,
        "filter_seconds": filtered["seconds_per_user"],
        "prompt_seconds": 0.0,
        "generation_seconds": compared.wall / users,
        "cpu_filter_seconds": filtered["cpu_seconds_per_user"],
        "cpu_prompt_seconds": 0.0,
        "cpu_generation_seconds": compared.cpu / users,
        "prompt_tokens": encoded["tokens"] / users,
        "answer_tokens": 0.0,
        "dropped": 0.0,
        "tie_rate": ties,
        "engine_start_seconds": encoded["seconds"],
        "device": "cpu",
    }


def request_cost(
    before: Mapping[str, Sequence[Mapping[str, float]]],
    answers: Sequence[Answer],
    costs: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return what a request took, with the fields of an unlearning method's cost.json (`cragru.unlearning.base.Cost`).

    `before` has each user's wall `seconds` and `cpu_seconds` of the stages before the answer, `costs` what it took;
    each was given alone.

    Returns:
        `seconds_sequential`: all users one after the other; `seconds_parallel`: the longest of them; `stages`: of all
        users; the same in CPU seconds (`cpu_…`), the first two of them None and the stage `generation` left out where
        those of an answer are unknown; no model is trained. Beside these: `users`, `prompt_tokens` and `answer_tokens`
        of all of them, and `engine_start_seconds`, which is in none of the seconds.
    """
    totals = _totals(answers, costs)
    del totals["seconds"]
    cost = totals | {
        "shards_touched": 0,
        "optimiser_steps": 0,
        "hessian_products": 0,
        "users": len(before["seconds"]),
    }
    for kind, prefix in ("seconds", ""), ("cpu_seconds", "cpu_"):
        users, stages = _seconds_of_users(before[kind], costs, kind)
        is_known = "generation" in stages
        cost[f"{prefix}seconds_sequential"] = sum(users) if is_known else None
        cost[f"{prefix}seconds_parallel"] = max(users) if is_known else None
        cost[f"{prefix}stages"] = stages
    return cost


def _cpu_seconds(costs: Iterable[Mapping[str, Any]]) -> float | None:
    """Return the CPU seconds of all chunks; None where those of one are unknown."""
    found = [cost.get(CPU) for cost in costs]
    return None if None in found else sum(found)


def _seconds_of_users(
    before: Sequence[Mapping[str, float]], costs: Sequence[Mapping[str, Any]], kind: str
) -> tuple[list[float], dict[str, float]]:
    """Return each user's seconds of a kind, and each stage's of all users that is known of all."""
    served = []
    for seconds, cost in zip(before, costs, strict=True):
        answer = {"generation": cost[kind]} if kind in cost else {}
        served.append({**seconds, **answer})
    known = [name for name in [*before[0], "generation"] if all(name in own for own in served)]
    stages = {name: sum(own[name] for own in served) for name in known}
    return [sum(own.values()) for own in served], stages


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
