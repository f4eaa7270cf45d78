"""YAML without surprises: what one reader of YAML takes for another thing than the next, or the writer, is refused.

The files of the configuration are written by people, and those given by --configfile are read by Snakemake, too. So a
key must stand once, and a value must be what it looks like: PyYAML follows YAML 1.1, where `010` is 8, `no` is false
and `12:30` is 750.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from cragru.core.errors import CragruError, short
from cragru.written.texts import UTF_16

LARGEST = 100_000  # values of a file, aliases written out; the shipped ones have a few hundred
LONGEST_NUMBER = 40  # characters; Python itself refuses 5,000 digits
TAG = "tag:yaml.org,2002:"
PLAIN = {  # what is read alike by YAML 1.1, YAML 1.2, JSON and people
    "bool": re.compile(r"true|True|TRUE|false|False|FALSE"),
    "int": re.compile(r"[-+]?(0|[1-9][0-9]*|0x[0-9a-fA-F]+)"),
    "float": re.compile(
        r"[-+]?[0-9]*\.[0-9]*([eE][-+][0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
    ),
}
INSTEAD = {
    "bool": "write true or false, or put the word in quotes",
    "int": "write the number in plain digits, or put the text in quotes",
    "float": "write the number in plain digits, or put the text in quotes",
    "timestamp": "put it in quotes",
}
KINDS = {"bool": "a truth value", "int": "a number", "float": "a number", "timestamp": "a date"}


class Loader(yaml.SafeLoader):
    """PyYAML's safe loader, whose tree of nodes is looked through before values are made of it."""

    def checked(self) -> tuple[Any, list[str]]:
        """The document's value, and what is wrong with it; the value is None where something is."""
        node = self.get_single_node()
        if node is None:
            return None, []
        problems = list(self._problems(node, ()))
        return (None, problems) if problems else (self.construct_document(node), [])

    def _problems(self, root: yaml.Node, path: tuple[str, ...]) -> Iterator[str]:
        """Everything that is wrong below a node, each with its key path and line."""
        sizes: dict[int, int] = {}
        if _size(root, sizes, set()) > LARGEST:
            yield f"holds more than {LARGEST} values once its aliases are written out; shorten it"
            return
        waiting, seen = [(root, path)], set()
        while waiting:
            node, place = waiting.pop(0)
            if id(node) in seen:
                continue  # an alias: told where its anchor stands
            seen.add(id(node))
            if isinstance(node, yaml.ScalarNode):
                yield from _surprise(node, place)
            elif isinstance(node, yaml.SequenceNode):
                waiting += [(item, (*place, str(n))) for n, item in enumerate(node.value)]
            else:
                yield from self._repeated(node, place)
                for key, value in node.value:
                    waiting += [(key, place), (value, (*place, _name(key)))]

    def _repeated(self, node: yaml.MappingNode, path: tuple[str, ...]) -> Iterator[str]:
        """Keys that a section has more than once; a key beside a merged one (`<<`) takes its place, as YAML has it."""
        lines: dict[Any, list[int]] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                lines.setdefault((key.tag, key.value), []).append(key.start_mark.line + 1)
        for (_, name), where in lines.items():
            if len(where) > 1:
                places = " and ".join(f"line {line}" for line in where)
                yield f"{_key((*path, name))}: is there {_times(len(where))}, in {places}; keep one"


def load_text(text: str, where: str) -> Any:
    """Read a YAML text.

    Args:
        text: The text.
        where: The file's name, for messages.

    Raises:
        CragruError: If the text is not YAML (with line and column), or with every key that is there more than once
            and every value that is not what it looks like.
    """
    try:
        loader = Loader(text)
        value, problems = loader.checked()
    except yaml.YAMLError as error:
        raise CragruError(f"{where}: not valid YAML: {short(str(error))}") from error
    except RecursionError as error:
        raise CragruError(
            f"{where}: not valid YAML: sections or aliases are nested too deeply; write them flat"
        ) from error
    if problems:
        raise CragruError("; ".join(f"{where}: {problem}" for problem in problems))
    return value


def load_yaml(path: str | Path) -> Any:
    """Read a YAML file in UTF-8; a byte-order mark is passed over.

    Raises:
        CragruError: If the file is missing, unreadable, or as `load_text` says.
    """
    try:
        data = Path(path).read_bytes()
        if data.startswith(UTF_16):
            raise CragruError(f"{path}: not a readable text file: it is UTF-16; save it as UTF-8")
        text = data.decode("utf-8-sig")
    except FileNotFoundError as error:
        raise CragruError(f"{path}: no such configuration file; name an existing one") from error
    except (OSError, ValueError) as error:  # not UTF-8, or no path at all (a zero byte)
        raise CragruError(f"{short(str(path))}: not a readable text file ({error})") from error
    if Path(path).suffix == ".json":
        text = text.replace("\t", " ")  # YAML takes JSON, but for tabs between its words
    return load_text(text, str(path))


def _surprise(node: yaml.ScalarNode, path: tuple[str, ...]) -> Iterator[str]:
    """A value that is not what it looks like."""
    kind = node.tag.removeprefix(TAG)
    if kind not in INSTEAD:
        return
    long = len(node.value) > LONGEST_NUMBER
    if not long and kind in PLAIN and PLAIN[kind].fullmatch(node.value):
        return
    line = node.start_mark.line + 1
    place = f"{_key(path)}: " if path else ""
    got = short(node.value)
    yield f"{place}got {got} (line {line}), which YAML takes for {KINDS[kind]}; {INSTEAD[kind]}"


def _size(node: yaml.Node, sizes: dict[int, int], above: set[int]) -> int:
    """Values below a node, aliases written out.

    Raises:
        RecursionError: If an alias stands inside what it names.
    """
    if isinstance(node, yaml.ScalarNode):
        return 1
    if id(node) in above:
        raise RecursionError
    if id(node) not in sizes:
        above.add(id(node))
        parts = [
            part for pair in node.value for part in (pair if isinstance(pair, tuple) else (pair,))
        ]
        sizes[id(node)] = 1 + sum(_size(part, sizes, above) for part in parts)
        above.remove(id(node))
    return sizes[id(node)]


def _name(key: yaml.Node) -> str:
    return key.value if isinstance(key, yaml.ScalarNode) else "?"


def _key(path: tuple[str, ...]) -> str:
    return ".".join(short(step) for step in path)


def _times(count: int) -> str:
    return "twice" if count == 2 else f"{count} times"
