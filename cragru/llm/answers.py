"""What an LLM may answer, and what is read from it: compact JSON with every candidate once, scores 1 to 100."""

import json
import re
from collections.abc import Sequence

from cragru.core.errors import CragruError

SCORE = "(100|[1-9][0-9]?)"


def answer_pattern(ids: Sequence[str]) -> str:
    r"""Return the pattern that the decoder is held to: ``\{"347":(100|[1-9][0-9]?),…\}``, ids in the order shown."""
    scored = [rf'"{re.escape(name)}":{SCORE}' for name in ids]
    return r"\{" + ",".join(scored) + r"\}"


def longest_answer(ids: Sequence[str]) -> int:
    """Return the most characters, and so the most tokens, of an answer."""
    return 2 + sum(len(f'"{name}":100,') for name in ids)


def read_scores(answer: str, ids: Sequence[str], place: str = "") -> list[int]:
    """Return the integer score of each candidate, in the order of `ids`; `place` is where errors say that it is.

    Raises:
        CragruError: If the answer is not a JSON object with exactly these ids, in order, and scores from 1 to 100.
    """
    try:
        pairs = json.loads(answer, object_pairs_hook=list)
    except ValueError as error:
        raise CragruError(f"the answer is no JSON ({error})", place=place, got=answer) from error
    is_object = answer.lstrip().startswith("{")
    if not is_object or [name for name, _ in pairs] != list(ids):
        raise CragruError(f"not the {len(ids)} candidates, in order", place=place, got=answer)
    scores = []
    for _, value in pairs:
        if type(value) is not int or not 1 <= value <= 100:
            raise CragruError("no whole number from 1 to 100", place=place, got=value)
        scores.append(value)
    return scores
