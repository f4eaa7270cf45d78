"""Answers on disk, addressed by all that they depend on: a whole chunk of prompts, the model and how it was run.

There is no reuse of single prompts: what else is in a batch changes the arithmetic, and so, now and then, an answer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cragru.core.errors import CragruError
from cragru.core.place import PathLike
from cragru.kept.files import json_checksum, read_json, sha256, write_json
from cragru.kept.shapes import misfit
from cragru.llm.base import Answer, Question

# has the receipts made anew, and what is missing answered
AGAIN = "run again with `--forcerun score_prompts score_requesters`"

ANSWER = {"text": str, "finish_reason": str, "prompt_tokens": int, "answer_tokens": int}
COST = {"seconds": float, "start_seconds": float, "device": str}


def chunk_key(settings: dict[str, Any], questions: Sequence[Question]) -> str:
    """The address of a chunk.

    Args:
        settings: All that answers depend on besides the questions (`cragru.llm.base.Engine.settings`).
        questions: The chunk, in order.

    Returns:
        32 hex digits of a SHA-256.
    """
    content = {"settings": settings, "questions": [asdict(question) for question in questions]}
    return json_checksum(content)[:32]


class AnswerStore:
    """A folder with two files a chunk: its answers, whose bytes repeat, and what they cost, which never does.

    Several jobs may share it: files are renamed into place, and two jobs that answer the same chunk write the same.
    """

    def __init__(self, folder: PathLike) -> None:
        """Name the folder; it is made when something is kept."""
        self._folder = Path(folder)

    def path(self, key: str) -> Path:
        """Where a chunk's answers are, or will be."""
        return self._folder / f"{key}.json"

    def __contains__(self, key: str) -> bool:
        return self.path(key).is_file()

    def keep(self, key: str, answers: Sequence[Answer], cost: dict[str, float | str]) -> None:
        """Keep a chunk; the cost first, for the chunk counts as answered once its answers are there."""
        content = [asdict(answer) for answer in answers]
        told = {**cost, "answers_sha256": json_checksum(content)}
        write_json(self._cost_path(key), told | {"sha256": json_checksum(told)})
        write_json(self.path(key), content)

    def answers(self, key: str) -> list[Answer]:
        """A chunk's answers.

        Raises:
            CragruError: If they are missing, or not those that were kept.
        """
        path = self.path(key)
        if key not in self:
            raise CragruError(f"{path}: no such answers, though they were scored; {AGAIN}")
        content = read_json(path)
        wrong = misfit(content, [ANSWER])
        if wrong:
            raise CragruError(f"{path}: not a chunk's answers ({wrong}); delete it and {AGAIN}")
        wanted = self._cost_record(key).get("answers_sha256")
        _compare(path, json_checksum(content), wanted)
        return [Answer(**answer) for answer in content]

    def cost(self, key: str) -> dict[str, float | str]:
        """What a chunk's answers took: `seconds`, `start_seconds` of the engine that gave them, and its `device`.

        Raises:
            CragruError: If the file is missing, or not the one that was kept.
        """
        record = self._cost_record(key)
        return {name: record[name] for name in COST}

    def checksums(self, keys: Iterable[str]) -> dict[str, str]:
        """The SHA-256 of some chunks' answers, by path, for the manifest of who has read them.

        Not of what they took, which another engine that answers them again would change.
        """
        return {self.path(key).as_posix(): sha256(self.path(key)) for key in keys}

    def _cost_record(self, key: str) -> dict[str, Any]:
        """What is kept of a chunk's cost; with checksums of it and of the answers, if not of an older version."""
        path = self._cost_path(key)
        if not path.is_file():
            raise CragruError(
                f"{path}: no such file; delete {self.path(key).name} beside it and {AGAIN}"
            )
        cost = read_json(path)
        wrong = misfit(cost, COST) or _stranger(cost)
        if wrong:
            beside = self.path(key).name
            raise CragruError(
                f"{path}: not what a chunk's answers took ({wrong}); delete it and {beside} beside it and {AGAIN}"
            )
        told = {name: value for name, value in cost.items() if name != "sha256"}
        _compare(path, json_checksum(told), cost.get("sha256"))
        return cost

    def _cost_path(self, key: str) -> Path:
        return self._folder / f"{key}.cost.json"


def _compare(path: Path, got: str, wanted: str | None) -> None:
    """Hold a file against the checksum that was kept with it; chunks that were kept by older versions have none."""
    if wanted is not None and got != wanted:
        beside = path.name.removesuffix(".json").removesuffix(".cost")
        raise CragruError(
            f"{path}: was altered: the SHA-256 of what it says is {got[:12]}…, kept was {wanted[:12]}…; delete "
            f"{beside}.json and {beside}.cost.json and {AGAIN}"
        )


def _stranger(cost: dict[str, Any]) -> str | None:
    """A key that no cost has: the name of a checksum may be what was altered."""
    known = {*COST, "answers_sha256", "sha256"}
    return next((f"{name}: unknown" for name in cost if name not in known), None)
