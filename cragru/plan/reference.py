"""The reference of the configuration, key by key: what stands in config/README.md below its introduction.

It is made of the JSON schemas: each section of a file is a table of its keys, with types in plain words.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import yaml
from pydantic import TypeAdapter

from cragru.config import datasets, llms, models, types

MARK = "<!-- `make schema` writes all below this line, from the models of the configuration -->"
HEAD = "| key | type | default | what it says |\n|---|---|---|---|\n"
Schema = Mapping[str, Any]

ANNOTATIONS = ("title", "description", "default")
BOUNDS = {"minimum": "from", "maximum": "up to", "exclusiveMaximum": "below"}
TYPES: dict[Any, str] = {
    types.Name: "name{s}",
    types.LowerName: "lower-case name{s}",
    types.VariantName: "name{s} or variant{s}",
    types.Module: "Python module{s}",
    types.Sha256: "SHA-256",
    types.Requirement: "`package==version`",
    types.Anchor: "label{s} of LaTeX",
    types.Label: "label{s}",
    types.Line: "line{s} of text",
    types.Sentences: "paragraph{s}",
    types.Place: "path{s}",
    datasets.FileName: "file name{s}",
    datasets.HttpUrl: "web address{s}",
    models.Fraction: "number{s} between 0 and 1",
    models.Option: "number{s}, text{s}, true or false",
    models.Seed: "whole number{s} from 0",
    llms.Address: "web address{s}",
    llms.Commit: "commit{s}",
    llms.GgufName: "GGUF file{s}",
    llms.Package: "Python package{s}",
    llms.Repository: "`organisation/name`",
    llms.Variable: "environment variable{s}",
}
"""What types are called; `s` is for more than one."""


def page(text: str, schemas: Mapping[str, Schema], settings: Mapping[str, Any]) -> str:
    """Return config/README.md anew.

    Args:
        text: The page as it is, of which the introduction is kept.
        schemas: The JSON schema of each file by its name, such as ``tables``.
        settings: What config/config.yaml holds: the defaults of a run.
    """
    blocks = [text.partition(MARK)[0] + MARK]
    for name, schema in schemas.items():
        blocks += [f"## {name}.yaml", _said(schema)]
        given = settings if name == "config" else {}
        blocks += _section("", [schema], schema.get("$defs", {}), given)
    return "\n\n".join(blocks) + "\n"


def _section(
    path: str, kinds: Sequence[Schema], models: Mapping[str, Schema], given: Mapping[str, Any]
) -> Iterator[str]:
    """Yield the blocks of a section, which is of one of these kinds, and of the sections below it."""
    if path:
        yield f"### `{path}`"
    tables = [list(_rows(path, kind, models, given)) for kind in kinds]
    if len(kinds) == 1:
        yield HEAD + "\n".join(tables[0])
    else:
        yield from _by_kind(kinds, tables)
    keys: dict[str, Schema] = {}
    for kind in kinds:
        keys |= kind["properties"]
    for key, value in keys.items():
        step, names = _below(value)
        if names:
            inner = [models[name] for name in names]
            yield from _section(_joined(path, key, step), inner, models, given.get(key, {}))


def _by_kind(kinds: Sequence[Schema], tables: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the rows that all kinds have, then each kind with its own."""
    shared = [row for row in tables[0] if all(row in rows for rows in tables)]
    named = [kind["properties"]["kind"]["const"] for kind in kinds]
    yield f"`kind` is {_either(named)}." + (" Each has:" if shared else "")
    if shared:
        yield HEAD + "\n".join(shared)
    for kind, name, rows in zip(kinds, named, tables, strict=True):
        yield f"#### `kind: {name}`"
        yield _said(kind)
        own = [row for row in rows if row not in shared]
        if own:
            yield HEAD + "\n".join(own)


def _rows(
    path: str, kind: Schema, models: Mapping[str, Schema], given: Mapping[str, Any]
) -> Iterator[str]:
    """Yield a row for each key of a section, but for the one that says its kind: that stands above."""
    for key, value in kind["properties"].items():
        if key == "kind" and "const" in value:
            continue
        words, said = _words(value), _said(value)
        choices = [*map(re.escape, re.findall("`([^`]+)`", words)), "null"]
        said = re.sub(rf"(?<![\w`-])({'|'.join(choices)}): ", r"`\1`: ", said)
        step, names = _below(value)
        if names:
            anchor = re.sub(r"[^\w-]", "", _joined(path, key, step))
            words = f"[{words}](#{anchor})"
            said = said or _said(models[names[0]])
        default = given.get(key, value.get("default"))
        if key in kind.get("required", ()) and key not in given:
            usual = "required"
        else:  # of a section its keys say it
            usual = "" if names and isinstance(default, Mapping) else f"`{_printed(default)}`"
        yield f"| `{key}` | {words} | {usual} | {said[:1].upper()}{said[1:].rstrip('.')} |"


def _below(schema: Schema) -> tuple[str, list[str]]:
    """Return the step from a key to the section below it, and the models that this may have; none where none is."""
    match schema:
        case {"$ref": place}:
            return "", [place.rpartition("/")[2]]
        case {"oneOf": among} | {"anyOf": among}:
            return "", [name for one in among for name in _below(one)[1]]
        case {"items": inner}:
            return _below(inner)
        case {"patternProperties": inner}:
            return "{name}", [name for one in inner.values() for name in _below(one)[1]]
    return "", []


def _words(schema: Schema, s: str = "") -> str:
    """Return what a schema allows, in plain words; `s` ends the nouns where there may be several."""
    match schema:
        case _ if _bare(schema) in CALLED:
            return CALLED[_bare(schema)].format(s=s)
        case {"enum": values}:
            return _either(values)
        case {"const": value}:
            return f"`{value}`"
        case {"anyOf": [inner, {"type": "null"}]}:
            return f"{_words(inner, s)}, or null"
        case {"prefixItems": [first, *others]}:
            return f"list of {1 + len(others)} {_words(first, 's')}"
        case {"items": inner}:
            return f"list of {_words(inner, 's')}" + (", not empty" if "minItems" in schema else "")
        case {"patternProperties": inner, "propertyNames": name}:
            ((pattern, inner),) = inner.items()
            name = {"type": "string", "pattern": pattern} | name
            return f"for each {_words(name)}: {_words(inner)}"
        case {"additionalProperties": True}:
            return "any keys"
        case {"additionalProperties": inner, "propertyNames": name}:
            return f"for each {_words({'type': 'string'} | name)}: {_words(inner)}"
        case {"additionalProperties": inner}:
            return f"for each key: {_words(inner)}"
        case {"$ref": _}:
            return f"section{s}"
        case {"oneOf": _}:
            return f"section{s} by `kind`"
        case {"type": "boolean"}:
            return "true or false"
        case {"type": "integer" | "number" as kind}:
            words = "positive " if schema.get("exclusiveMinimum") == 0 else ""
            words += f"whole number{s}" if kind == "integer" else f"number{s}"
            bounds = [
                f" {said} {schema[key]:,.0f}" for key, said in BOUNDS.items() if key in schema
            ]
            return words + "".join(bounds)
    return f"text{s}"


def _either(values: Iterable[Any]) -> str:
    *most, last = [f"`{value}`" for value in values]
    return f"{', '.join(most)} or {last}" if most else last


def _bare(schema: Schema) -> str:
    """Return what a schema allows as one text."""
    return json.dumps({key: schema[key] for key in sorted(schema) if key not in ANNOTATIONS})


CALLED = {_bare(TypeAdapter(kind).json_schema()): words for kind, words in TYPES.items()}


def _said(schema: Schema) -> str:
    """Return the first paragraph of a description; empty where there is none."""
    words = schema.get("description", "").partition("\n\n")[0]
    return " ".join(words.split()).replace("``", "`").replace("|", "\\|")


def _printed(value: Any) -> str:
    """Return a value as YAML on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=float("inf"))
    return text.removesuffix("\n").removesuffix("\n...")


def _joined(*steps: str) -> str:
    return ".".join(filter(None, steps))
