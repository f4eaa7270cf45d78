"""What a person gives beside config.yaml: further files (--configfile) and words of the command line (--config)."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cragru.config.yaml_text import load_yaml, plain_value
from cragru.errors import CragruError, Problems


def check_files(paths: Iterable[str | Path]) -> None:
    """Check the files that Snakemake reads: it takes the last of repeated keys, and 8 for `010`.

    Args:
        paths: Of config.yaml and of what was laid over it.

    Raises:
        CragruError: With every problem of every file.
    """
    problems = Problems()
    for path in paths:
        problems.take(lambda path=path: load_yaml(path))
    problems.tell()


def take_command_line(config: dict[str, Any], words: Mapping[str, Any]) -> None:
    """Give the words of the command line the values that they have in a file: `null` and `~` are nothing, `1` a number.

    Snakemake takes what stands in brackets for text, and has laid it over the files so.

    Args:
        config: Snakemake's, which is changed.
        words: What it read after --config.

    Raises:
        CragruError: With every word that is not what it looks like.
    """
    problems = Problems()
    for key, word in words.items():
        value = problems.take(lambda key=key, word=word: _value(word, key))
        config[key] = _over(config.get(key), value)
    problems.tell()


def _value(word: Any, key: str) -> Any:
    """A word, or what a list or a section holds of them."""
    if isinstance(word, Mapping):
        return {name: _value(inner, f"{key}.{name}") for name, inner in word.items()}
    if isinstance(word, list):
        return [_value(inner, f"{key}.{place}") for place, inner in enumerate(word)]
    if not isinstance(word, str):
        return word
    try:
        return plain_value(word, key)
    except CragruError as error:
        raise CragruError(f"--config: {error}") from error


def _over(below: Any, above: Any) -> Any:
    """A value laid over another as Snakemake does it: sections are merged, all else is replaced."""
    if not (isinstance(below, Mapping) and isinstance(above, Mapping)):
        return above
    return {**below, **{key: _over(below.get(key), value) for key, value in above.items()}}
