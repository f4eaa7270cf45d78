"""Answers on disk, addressed by all that they depend on: a whole chunk of prompts, the model and how it was run.

There is no reuse of single prompts: what else is in a batch changes the arithmetic, and so, now and then, an answer.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cragru.errors import CragruError
from cragru.io import PathLike, read_json, write_json
from cragru.llm.base import Answer, Question

# has the receipts made anew, and what is missing answered
AGAIN = "run again with `--forcerun score_prompts score_requesters`"


def chunk_key(settings: dict[str, Any], questions: Sequence[Question]) -> str:
    """The address of a chunk.

    Args:
        settings: All that answers depend on besides the questions (`cragru.llm.base.Engine.settings`).
        questions: The chunk, in order.

    Returns:
        32 hex digits of a SHA-256.
    """
    content = {"settings": settings, "questions": [asdict(question) for question in questions]}
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


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
        write_json(self._cost_path(key), cost)
        write_json(self.path(key), [asdict(answer) for answer in answers])

    def answers(self, key: str) -> list[Answer]:
        """A chunk's answers.

        Raises:
            CragruError: If they are missing or damaged.
        """
        if key not in self:
            raise CragruError(
                f"{self.path(key)}: no such answers, though they were scored; {AGAIN}"
            )
        try:
            return [Answer(**answer) for answer in read_json(self.path(key))]
        except TypeError as error:
            raise CragruError(
                f"{self.path(key)}: not a chunk's answers ({error}); delete it and {AGAIN}"
            ) from error

    def cost(self, key: str) -> dict[str, float | str]:
        """What a chunk's answers took: `seconds`, `start_seconds` of the engine that gave them, and its `device`.

        Raises:
            CragruError: If the file is missing.
        """
        path = self._cost_path(key)
        if not path.is_file():
            raise CragruError(
                f"{path}: no such file; delete {self.path(key).name} beside it and {AGAIN}"
            )
        return read_json(path)

    def _cost_path(self, key: str) -> Path:
        return self._folder / f"{key}.cost.json"
