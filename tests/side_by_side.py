"""Two processes that run the tests: which tests stay together, and which come first."""

import functools
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
WITH_THE_LLM = "with the language model"
ASKS_FOR_THE_LLM = re.compile(
    r"^def \w+\([^)]*(?<=[( ])(?:smollm2|converted)(?=[,)])", re.MULTILINE
)


@functools.cache
def group_of(path: str) -> str:
    """Return the group of a file: its tests stay together, with those of all files that use the LLM."""
    text = (ROOT / path).read_text(encoding="utf-8")
    return WITH_THE_LLM if ASKS_FOR_THE_LLM.search(text) else path


def place_of(path: str, slow: set[str]) -> tuple[bool, bool, bool]:
    """Sort files: long ones first, so that no process ends alone with one; `slow` names those with slow tests."""
    return not path.startswith("tests/workflow/"), group_of(path) != WITH_THE_LLM, path not in slow
