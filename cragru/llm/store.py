"""Answers on disk, addressed by all that they depend on: a whole chunk of prompts, the model and how it was run.

There is no reuse of single prompts: what else is in a batch changes the arithmetic, and so, now and then, an answer.
"""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cragru.core.errors import CragruError
from cragru.core.place import PathLike, spot
from cragru.kept.files import json_checksum, read_record, sha256, write_json
from cragru.llm.base import Answer, Question

# has the receipts made anew, and what is missing answered
AGAIN = "run again with `--forcerun score_prompts score_requesters`"

ANSWER = {"text": str, "finish_reason": str, "prompt_tokens": int, "answer_tokens": int}
COST = {"seconds": float, "start_seconds": float, "device": str}
CPU = "cpu_seconds"  # of a cost, where the answers were made by the process's own CPU
CELLS = "cells"  # of a cost: how many cells the answers served together, where it was not one
LATER = {CPU, CELLS, "answers_sha256", "stripped"}  # of a cost: older versions kept none of these


def chunk_key(settings: dict[str, Any], questions: Sequence[Question]) -> str:
    """Return the address of a chunk: 32 hex digits of a SHA-256 of its engine's settings and its questions."""
    asked = [{name: getattr(question, name) for name in question.keyed} for question in questions]
    content = {"settings": settings, "questions": asked}
    return json_checksum(content)[:32]


class AnswerStore:
    """A folder with two files a chunk: its answers, whose bytes repeat, and what they cost, which never does.

    Several jobs may share it: files are renamed into place, and two jobs that answer the same chunk write the same.
    """

    def __init__(self, folder: PathLike) -> None:
        """Name the folder; it is made when something is kept."""
        self._folder = Path(folder)

    def path(self, key: str) -> Path:
        """Return where a chunk's answers are, or will be."""
        return self._folder / f"{key}.json"

    def __contains__(self, key: str) -> bool:
        return self.path(key).is_file()

    def keep(self, key: str, answers: Sequence[Answer], cost: dict[str, float | str]) -> None:
        """Keep a chunk; the cost first, for the chunk counts as answered once its answers are there."""
        content = [{name: getattr(answer, name) for name in ANSWER} for answer in answers]
        stripped = sum(answer.is_stripped for answer in answers)
        told = {**cost, "stripped": stripped, "answers_sha256": json_checksum(content)}
        write_json(self._cost_path(key), told | {"sha256": json_checksum(told)})
        write_json(self.path(key), content)

    def answers(self, key: str) -> list[Answer]:
        """Return a chunk's answers.

        Raises:
            CragruError: If they are missing, or not those that were kept.
        """
        path = self.path(key)
        with _advised(key):
            content = read_record(path, [ANSWER])
            wanted = self._cost_record(key).get("answers_sha256")
            _compare(path, json_checksum(content), wanted)
        return [Answer(**answer) for answer in content]

    def cost(self, key: str) -> dict[str, float | str]:
        """Return what a chunk's answers took: wall `seconds`, the engine's `start_seconds`, and its `device`.

        `cpu_seconds` are there where they are known, `cells` where the answers served several.

        Raises:
            CragruError: If the file is missing, or not the one that was kept.
        """
        with _advised(key):
            record = self._cost_record(key)
        return {name: record[name] for name in [*COST, CPU, CELLS] if name in record}

    def stripped(self, keys: Iterable[str]) -> int:
        """Return how many answers of some chunks a server had added something to."""
        return sum(self._cost_record(key).get("stripped", 0) for key in keys)

    def checksums(self, keys: Iterable[str]) -> dict[str, str]:
        """Return the SHA-256 of some chunks' answers, by path, for the manifest of who has read them.

        Their costs are not among them: another engine that answers again would change these.
        """
        return {self.path(key).as_posix(): sha256(self.path(key)) for key in keys}

    def _cost_record(self, key: str) -> dict[str, Any]:
        """Return what is kept of a chunk's cost, with the checksum of its answers."""
        path = self._cost_path(key)
        cost = read_record(path, COST)
        wanted = cost.pop("sha256", None)
        for name in cost.keys() - {*COST, *LATER}:  # a checksum's name may be altered
            raise CragruError("was altered: unknown key", place=spot(path), got=name)
        _compare(path, json_checksum(cost), wanted)
        return cost

    def _cost_path(self, key: str) -> Path:
        return self._folder / f"{key}.cost.json"


@contextlib.contextmanager
def _advised(key: str) -> Iterator[None]:
    """Have errors say what to do about a chunk's files."""
    try:
        yield
    except CragruError as error:
        raise CragruError.of(
            replace(one, advice=f"delete {key}.json and {key}.cost.json and {AGAIN}")
            for one in error.problems
        ) from error


def _compare(path: Path, got: str, wanted: str | None) -> None:
    """Hold a file against the checksum that was kept with it; older versions kept none."""
    if wanted is not None and got != wanted:
        raise CragruError(f"was altered: the SHA-256 was {wanted}", place=spot(path), got=got)
