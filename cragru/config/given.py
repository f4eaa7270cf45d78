"""What a person gives beside config.yaml: further files (--configfile) and words of the command line (--config)."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cragru.core.errors import CragruError, Problem, Problems
from cragru.written.yaml_text import load_text, load_yaml


def check_module(modifier: Any) -> None:
    """Check that another Snakefile, whose module this workflow is, moves no path: manifests name files by `results/`.

    Args:
        modifier: What Snakemake makes of the module's `prefix` and `replace_prefix`.
    """
    if modifier.replace_prefix("results") != "results":
        advice = "take the prefix out; --directory names the folder that has results/ in it"
        raise CragruError("a prefix moves no manifest", place="module", advice=advice)


def read_files(paths: Iterable[str | Path]) -> list[Any]:
    """Read the files that Snakemake reads, too: it takes the last of repeated keys, 8 for `010`, a text for `1e-3`."""
    problems = Problems()
    contents = [problems.take(lambda path=path: load_yaml(path)) for path in paths]
    problems.tell()
    return contents


def take_files(config: dict[str, Any], contents: Iterable[Any]) -> None:
    """Give what files say the values that they have there, one file laid over the next; `config` is changed."""
    for content in contents:
        config.update(laid_over(config, content))


def take_command_line(config: dict[str, Any], words: Iterable[str]) -> None:
    """Give the words of the command line the values that they have in a file: `null` and `~` are nothing, `1` a number.

    Snakemake takes what stands in brackets for text, `010` for 10 and the last of repeated keys, and has laid them over
    the files so. Its `config` is changed. Each word is a key, `=` and a value.

    Raises:
        CragruError: With every key that is there more than once and every value that is not what it looks like.
    """
    problems, seen = Problems(), set()
    for word in words:
        key, _, text = word.partition("=")
        if key in seen:
            problems.found.append(Problem("is there twice", f"--config {key}", advice="keep one"))
        seen.add(key)
        value = problems.take(lambda key=key, text=text: load_text(text, f"--config {key}"))
        config[key] = laid_over(config.get(key), value)
    problems.tell()


def laid_over(below: Any, above: Any) -> Any:
    """Return a value laid over another as Snakemake does it: sections are merged, all else is replaced."""
    if not (isinstance(below, Mapping) and isinstance(above, Mapping)):
        return above
    return {**below, **{key: laid_over(below.get(key), value) for key, value in above.items()}}
