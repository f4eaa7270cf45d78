"""What an LLM may answer, and what is read from it: compact JSON with every candidate once, scores 1 to 100."""

import contextlib
import json
import math
import re
from collections.abc import Sequence
from typing import Any

from cragru.core.errors import CragruError

SCORE = "(100|[1-9][0-9]?)"
INDENT = len("\n    ") + len(" ")  # what an indented answer has more for each score
AROUND = 64  # characters of what may stand around an answer

# what servers add: blanks, a byte-order mark, a code fence, thoughts of no words, names of tokens that end an answer
ADDED = r"[\s\ufeff]|```(?:json)?"
ENDS = r"<\|[^<>|\s]{1,40}\|>|<\uff5c[^<>\uff5c\s]{1,40}\uff5c>|</s>|<eos>|<end_of_turn>"
WITH_ADDITIONS = re.compile(
    rf"(?:{ADDED}|<think>\s*</think>)*(\{{.*\}})(?:{ADDED}|{ENDS})*", re.DOTALL
)


def answer_pattern(ids: Sequence[str]) -> str:
    r"""Return the pattern that the decoder is held to: ``\{"347":(100|[1-9][0-9]?),…\}``, ids in the order shown."""
    scored = [rf'"{re.escape(name)}":{SCORE}' for name in ids]
    return r"\{" + ",".join(scored) + r"\}"


def answer_schema(ids: Sequence[str]) -> dict[str, Any]:
    """Return the JSON schema of an answer. Where a server orders keys anew, the answer is refused like any other."""
    score = {"type": "integer", "minimum": 1, "maximum": 100}
    return {
        "type": "object",
        "properties": dict.fromkeys(ids, score),
        "required": list(ids),
        "additionalProperties": False,
    }


def longest_answer(ids: Sequence[str], is_compact: bool = True) -> int:
    """Return the most characters, and so the most tokens, of an answer; with additions where it is not compact."""
    compact = 2 + sum(len(f'"{name}":100,') for name in ids)
    return compact if is_compact else compact + INDENT * len(ids) + AROUND


def compacted(text: str) -> str:
    """Return an answer without what servers add to it: the compact form of the one JSON object that it holds.

    Ids, their order and their scores are those of the object, right or wrong. A text that is more than an object and
    additions stays as it is, but for the blanks around it.
    """
    if found := WITH_ADDITIONS.fullmatch(text):
        with contextlib.suppress(ValueError, RecursionError):
            pairs = json.loads(found[1], object_pairs_hook=list)
            scores = [f"{_compact(name)}:{_compact(score)}" for name, score in pairs]
            return "{" + ",".join(scores) + "}"
    return text.strip()


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def read_scores(answer: str, ids: Sequence[str], place: str = "") -> list[int]:
    """Return the integer score of each candidate, in the order of `ids`; `place` is where errors say that it is.

    Raises:
        CragruError: If the answer is not a JSON object with exactly these ids, in order, and scores from 1 to 100.
    """
    pairs = _parsed(answer, place, object_pairs_hook=list)
    is_object = answer.lstrip().startswith("{")
    if not is_object or [name for name, _ in pairs] != list(ids):
        raise CragruError(f"not the {len(ids)} candidates, in order", place=place, got=answer)
    scores = []
    for _, value in pairs:
        if type(value) is not int or not 1 <= value <= 100:
            raise CragruError("no whole number from 1 to 100", place=place, got=value)
        scores.append(value)
    return scores


def read_numbers(answer: str, names: Sequence[str], place: str = "") -> dict[str, float]:
    """Return the number of each of some names; `place` is where errors say that it is.

    Raises:
        CragruError: If the answer is not a JSON object of finite numbers, or one of the names is missing.
    """
    found = _parsed(answer, place)
    if not isinstance(found, dict) or not found.keys() >= set(names):
        raise CragruError(f"not the {len(names)} candidates", place=place, got=answer)
    for value in found.values():
        if type(value) not in (int, float) or not math.isfinite(value):
            raise CragruError("no finite number", place=place, got=value)
    return {name: float(found[name]) for name in names}


def _parsed(answer: str, place: str, **how: Any) -> Any:
    """Return what an answer says in JSON, read as `json.loads` is told."""
    try:
        return json.loads(answer, **how)
    except (ValueError, RecursionError) as error:
        raise CragruError(f"the answer is no JSON ({error})", place=place, got=answer) from error
