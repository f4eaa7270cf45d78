"""Read YAML without surprises: what one reader of YAML takes for another thing than the next is refused.

The files of the configuration are written by people, and those given by --configfile are read by Snakemake, too. So a
key must stand once, and a value must be what it looks like: PyYAML follows YAML 1.1, where `010` is 8, `no` is false
and `12:30` is 750. What YAML 1.2 and JSON alone take for a number, such as `1e-3`, is one here, too.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from cragru.core.errors import CragruError, Problem, Problems, short
from cragru.core.place import spot
from cragru.written.texts import read_text

LARGEST = 100_000  # values of a file, aliases written out; the shipped ones have a few hundred
LONGEST_NUMBER = 40  # characters; Python itself refuses 5,000 digits
TAG = "tag:yaml.org,2002:"
INSTEAD = "write true, false or a number in plain digits, or put it in quotes"
PLAIN = {  # what is read alike by YAML 1.1, YAML 1.2, JSON and people
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": r"[-+]?(0|[1-9][0-9]*|0x[0-9a-fA-F]+)",
    "float": r"[-+]?([0-9]*\.[0-9]*|[0-9]+)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
    "timestamp": "(?!)",  # none
}
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?$")
STARTS = "-+.0123456789"  # of a number


def load_text(text: str, where: str) -> Any:
    """Read a YAML text; `where` is the file's name, for messages.

    Raises:
        CragruError: If the text is not YAML, or with every key that is there more than once and every value that is not
            what it looks like; each with its line.
    """
    try:
        loader = _Loader(text, where)
        root = loader.get_single_node()
        loader.problems.tell()
        if loader.count > LARGEST:
            raise CragruError("too large", place=where, advice="use fewer aliases, or shorten it")
        return root and loader.construct_document(root)
    except yaml.YAMLError as error:
        mark, told = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        place = spot(where, mark and mark.line + 1)
        raise CragruError(f"not valid YAML: {short(told or str(error))}", place=place) from error
    except RecursionError as error:
        raise CragruError("nested too deeply", place=where, advice="write it flat") from error


def load_yaml(path: str | Path) -> Any:
    """Read a YAML file in UTF-8; a byte-order mark is passed over.

    Raises:
        CragruError: As `cragru.written.texts.read_text` and `load_text` say.
    """
    text = read_text(path, "a configuration file")
    if Path(path).suffix == ".json":
        text = text.replace("\t", " ")  # YAML takes JSON, but for tabs between its words
    return load_text(text, str(path))


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, which looks at each node before values are made of it.

    Attributes:
        problems: Keys that stand twice, and values that are not what they look like.
        count: Values so far; an alias counts as what it names.
    """

    yaml_implicit_resolvers = yaml.SafeLoader.yaml_implicit_resolvers | {
        start: [*yaml.SafeLoader.yaml_implicit_resolvers.get(start, ()), (f"{TAG}float", FLOAT)]
        for start in STARTS
    }

    def __init__(self, text: str, where: str) -> None:
        super().__init__(text)
        self.problems, self.count = Problems(), 0
        self._where = where
        self._sizes: dict[int, int] = {}
        self._steps: list[Any] = []  # to the node: a key's node, an index, None for a key itself

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node:
        """Return the next node; PyYAML calls this for each."""
        is_alias, before = self.check_event(yaml.AliasEvent), self.count
        self._steps.append(index)
        node = super().compose_node(parent, index)
        if is_alias:
            self.count += self._sizes.get(id(node), LARGEST)  # what holds itself is endless
        else:
            self.count += 1
            self._sizes[id(node)] = self.count - before
            self._look_at(node)
        self._steps.pop()
        return node

    def construct_scalar(self, node: yaml.Node) -> Any:
        """Return the text of a node; JSON writes a letter beyond U+FFFF as two escapes, which are one letter here."""
        text = super().construct_scalar(node)
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")

    def _look_at(self, node: yaml.Node) -> None:
        if isinstance(node, yaml.MappingNode):
            first: dict[tuple[str, str], yaml.Node] = {}
            for key, _ in node.value:
                before = first.setdefault((key.tag, _name(key)), key)
                if before is not key:
                    line = before.start_mark.line + 1
                    self._tell(key, f"is there in line {line} already", key, advice="keep one")
        elif isinstance(node, yaml.ScalarNode):
            kind, is_long = node.tag.removeprefix(TAG), len(node.value) > LONGEST_NUMBER
            if kind in PLAIN and (is_long or not re.fullmatch(PLAIN[kind], node.value)):
                self._tell(node, f"YAML reads it as {kind}", got=node.value, advice=INSTEAD)

    def _tell(self, node: yaml.Node, what: str, *further: Any, **parts: str) -> None:
        steps = [_name(step) for step in (*self._steps, *further) if step is not None]
        place = spot(self._where, node.start_mark.line + 1)
        self.problems.found.append(Problem(what, ".".join(steps), **parts).within(place))


def _name(step: yaml.Node | int) -> str:
    """Return a step of a key path as text; a key that is a section or list has none."""
    name = "?" if isinstance(step, yaml.CollectionNode) else getattr(step, "value", step)
    return short(str(name))
