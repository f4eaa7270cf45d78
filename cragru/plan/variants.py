"""Variants: methods, backbones and strategies with other options than params.yaml has, named by these.

`scif@damping=10` is SCIF with that damping, in a configuration and in paths. One setting has one name: options in
alphabetical order, numbers as Python writes them, and nothing that params.yaml has already. Between options stands `@`,
for a comma would end a name in a YAML list, and in Snakemake's own calls of jobs.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from cragru.config.models import Option, Params, PluginEntry, TunedEntry
from cragru.config.types import OPTION
from cragru.core.errors import CragruError
from cragru.plan.options import KINDS
from cragru.plugins.options import BaseOptions, wrong_options
from cragru.plugins.source import options_of
from cragru.written.yaml_text import load_text

SECTIONS = {kind.key: kind.options for kind in KINDS if kind.key != "partitions"}
"""Sections of params.yaml whose entries have variants, and what their options inherit from."""

Entry = TypeVar("Entry", bound=PluginEntry)
Options = Mapping[str, Option]


def base_of(name: str) -> str:
    """Return the name of the entry that a variant is of; another name as it is."""
    return name.partition("@")[0]


def bases(names: Iterable[str]) -> list[str]:
    """Return the names of the entries that names, or the variants among them, are of, each once."""
    return list(dict.fromkeys(map(base_of, names)))


def of_base(names: Iterable[str], wanted: str) -> list[str]:
    """Return the name that is wanted if it is there, else the variants of it that are."""
    names = list(names)
    return [wanted] if wanted in names else [name for name in names if base_of(name) == wanted]


def without_options(name: str) -> str:
    """Return a name without the options that it gives: the entry's, or that of an overlay's digest."""
    return re.sub(rf"({OPTION})+\Z", "", name)


def entry_of(params: Params, key: str, name: str) -> Any:
    """Return an entry of a section of params.yaml, or the variant of one.

    Raises:
        CragruError: If there is none, or its options are wrong, or the same has another name.
    """
    entries = getattr(params, key)
    if name in entries:
        return entries[name]
    base = without_options(name)
    if base not in entries:
        raise CragruError("unknown name", place=key, got=name, allowed=bases(entries))
    try:
        options = given_options(entries[base], name, SECTIONS[key])
    except CragruError as error:
        raise error.within(name) from error
    right = name_with(base, entries[base], options, SECTIONS[key])
    if right != name:
        raise CragruError(f"another name of {right}", got=name, advice=f"write {right}")
    return called(varied(entries[base], options), name.removeprefix(base))


def with_options(params: Params, key: str, name: str, options: Options) -> str:
    """Return the name of an entry of params.yaml, or of a variant, with further options."""
    base = without_options(name)
    entry = getattr(params, key)[base]
    given = given_options(entry, name.removeprefix(base), SECTIONS[key])
    return name_with(base, entry, given | dict(options), SECTIONS[key])


def given_options(entry: PluginEntry, name: str, kind: type[BaseOptions]) -> dict[str, Option]:
    """Return the options that a name gives an entry, as its module reads them.

    Raises:
        CragruError: With each option that is unknown, there twice, of another type or out of range.
    """
    model, words = options_of(entry.module, kind), re.findall(OPTION, name)
    options: dict[str, Option] = {}
    for word in words:
        option, _, text = word[1:].partition("=")
        if option in options:
            raise CragruError("there more than once", place=option, advice="name it once")
        options[option] = load_text(text, option)
    problems = []
    for settings in settings_of(varied(entry, options)):
        problems += wrong_options(model, settings)
    if problems:
        raise CragruError.of(problems)
    read = model.model_validate(dict(settings_of(varied(entry, options))[0]))
    return {option: getattr(read, option) for option in options}


def name_with(base: str, entry: PluginEntry, options: Options, kind: type[BaseOptions]) -> str:
    """Return the name of an entry with other options; those that it has already, everywhere, are left out."""
    model, name = options_of(entry.module, kind), base
    own = [model.model_validate(dict(settings)) for settings in settings_of(entry)]
    for option in sorted(options):
        if any(getattr(one, option) != options[option] for one in own):
            name += f"@{option}={_text(options[option])}"
    return name


def settings_of(entry: PluginEntry) -> list[Options]:
    """Return the options of an entry: those that it has everywhere, and with each override."""
    overrides = entry.overrides.values() if isinstance(entry, TunedEntry) else ()
    return [entry.options, *(entry.options | override for override in overrides)]


def varied(entry: Entry, options: Options) -> Entry:
    """Return an entry with other options on every data set and backbone: no override takes them back."""
    update: dict[str, Any] = {"options": entry.options | dict(options)}
    if isinstance(entry, TunedEntry):
        update["overrides"] = {}
        for pattern, override in entry.overrides.items():
            left = {name: value for name, value in override.items() if name not in options}
            if left:
                update["overrides"][pattern] = left
    return entry.model_copy(update=update)


def called(entry: Entry, further: str) -> Entry:
    """Return an entry whose label says what it differs in; the paper's printed values are of no variant.

    Args:
        entry: An entry of params.yaml.
        further: What its name has beside the entry's, such as `@damping=10`.
    """
    words = further[1:].replace("@", ", ").replace("=", " ").replace("_", " ")
    label = entry.label
    label = f"{label[:-1]}, {words})" if label.endswith(")") else f"{label} ({words})"
    update = {"label": label} | ({"paper": None} if hasattr(entry, "paper") else {})
    return entry.model_copy(update=update)


def changed_options(
    own: PluginEntry, other: PluginEntry, kind: type[BaseOptions]
) -> dict[str, Option]:
    """Return the options in which an entry differs from another of the same module, as the module reads them."""
    model = options_of(own.module, kind)
    before, after = (model.model_validate(dict(entry.options)) for entry in (own, other))
    values = {name: getattr(after, name) for name in model.model_fields}
    return {name: value for name, value in values.items() if value != getattr(before, name)}


def _text(value: Option) -> str:
    """Return a value as names have it."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)
