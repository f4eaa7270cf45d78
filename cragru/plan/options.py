"""The plug-ins that params.yaml names, and their options, checked when the configuration is read."""

import fnmatch
import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from itertools import product
from pathlib import PurePosixPath
from typing import NamedTuple

from cragru.backbones.options import TrainingOptions
from cragru.config.datasets import AnyFiles, Read, Registry
from cragru.config.models import Params, PluginEntry, TunedEntry, matches
from cragru.core.errors import CragruError, Problem
from cragru.data.options import LoaderOptions
from cragru.plugins.explained import plain
from cragru.plugins.options import BaseOptions, read_options, wrong_options
from cragru.plugins.source import check_plugin, options_of
from cragru.unlearning.options import ShardOptions

ADVICE = "set an option there; patterns are 'dataset/backbone', such as ml-1m/*"
DATASETS = r"[a-z0-9*?\[\]!-]+"  # the name of a data set, or a glob of such
Options = type[BaseOptions]
Pairs = list[tuple[str, str]]
"""Data sets, each with a backbone."""


class Kind(NamedTuple):
    """A kind of plug-in: section of params.yaml, package, what a module offers, what its options inherit from."""

    key: str
    package: str
    functions: tuple[str, ...]
    options: Options = BaseOptions


BACKBONES = Kind("backbones", "cragru.backbones", ("build",), TrainingOptions)
KINDS = (
    BACKBONES,
    Kind("partitions", "cragru.unlearning.partition", ("partition",)),
    Kind("methods", "cragru.unlearning", ("unlearn",)),
    Kind("strategies", "cragru.retrieval", ("fit", "load")),
)


def plain_options(params: Params) -> Params:
    """Return params.yaml with options as their modules want them: 300.0 is 300 where one is a whole number."""
    sections = {}
    for kind in KINDS:
        entries = getattr(params, kind.key).items()
        sections[kind.key] = {name: _plain_entry(kind, entry) for name, entry in entries}
    return params.model_copy(update=sections)


def _plain_entry(kind: Kind, entry: PluginEntry) -> PluginEntry:
    try:
        options = options_of(entry.module, kind.options)
    except CragruError:
        return entry  # `check_options` tells
    read = {"options": plain(options, entry.options)}
    if isinstance(entry, TunedEntry):
        overrides = entry.overrides.items()
        read["overrides"] = {pattern: plain(options, values) for pattern, values in overrides}
    return entry.model_copy(update=read)


def check_options(params: Params, datasets: Collection[str], where: str) -> Iterator[Problem]:
    """Yield what is wrong with the plug-ins of params.yaml, the file `where`: each by itself, then what clashes.

    Overrides may be for all `datasets` of the registry.
    """
    found = []
    for kind in KINDS:
        for name, entry in getattr(params, kind.key).items():
            backbones = [name] if kind is BACKBONES else params.backbones
            pairs = list(product(datasets, backbones))
            wrong = _wrong_entry(kind, entry, pairs, params)
            found += [problem.under(f"{kind.key}.{name}") for problem in wrong]
    for problem in found:
        yield problem.within(where)
    if not found:
        yield from clashes(params, datasets, where)


def _wrong_entry(kind: Kind, entry: PluginEntry, pairs: Pairs, params: Params) -> Iterator[Problem]:
    try:
        check_plugin(entry.module, kind.functions, kind.package)
        options = options_of(entry.module, kind.options)
    except CragruError as error:
        yield from error.within("module").problems
        return
    yield from _wrong_values(entry, options, pairs)
    for name in options.needs:
        if name not in getattr(entry, "reads", ()):
            yield Problem(f"lacks {name!r}, which {entry.module} reads", "reads", advice="add it")
    is_sharded = issubclass(options, ShardOptions)
    partition, known = getattr(entry, "partition", None), params.partitions
    if is_sharded and partition not in known:
        yield Problem("must name a partition", "partition", partition, known)
    if partition is not None and not is_sharded:
        yield Problem("the module has no shards", "partition", partition, advice="leave it out")


def _wrong_values(entry: PluginEntry, options: Options, pairs: Pairs) -> Iterator[Problem]:
    """Yield wrong options of an entry, of its overrides, and of a pair that several overrides are for, each once."""
    values, told = {"options": entry.options}, {}
    if isinstance(entry, TunedEntry):
        for pattern, override in entry.overrides.items():
            place = f"overrides.{pattern}"
            values[place] = entry.options | override
            if not override or not _may_match(pattern, pairs):
                yield Problem("sets nothing anywhere", place, advice=ADVICE)
        for pair in pairs:
            values[f"overrides, together in {'/'.join(pair)}"] = entry.options_in(*pair)
    for place, given in values.items():
        for problem in wrong_options(options, given):
            told.setdefault(str(problem), problem.under(place))
    yield from told.values()


def _may_match(pattern: str, pairs: Pairs) -> bool:
    """Return whether an override is for one of the pairs, or for a data set that is not there yet."""
    if any(matches(pattern, *pair) for pair in pairs):
        return True
    dataset, slash, backbone = pattern.rpartition("/")
    if not slash and pattern.endswith("*"):
        dataset, backbone = pattern, "*"
    backbones = {backbone for _, backbone in pairs}
    is_name = re.fullmatch(DATASETS, dataset) and dataset not in backbones
    return bool(is_name) and any(fnmatch.fnmatchcase(one, backbone) for one in backbones)


def clashes(params: Params, datasets: Collection[str], where: str) -> Iterator[Problem]:
    """Yield options of strategies, right by themselves, that cannot be with the hyper-parameters of a backbone."""
    for name, strategy in params.strategies.items():
        chosen = read_options(options_of(strategy.module), strategy.options)
        for dataset, (backbone, entry) in product(datasets, params.backbones.items()):
            kind = options_of(entry.module, TrainingOptions)
            clash = chosen.clash(read_options(kind, entry.options_in(dataset, backbone)))
            if clash is not None:
                clash = replace(clash, what=f"{clash.what} of {backbone!r}")
                yield clash.under(f"strategies.{name}.options").within(where)


def check_loaders(registry: Registry, where: str) -> Iterator[Problem]:
    """Yield what is wrong with the options of loaders in datasets.yaml, the file `where`."""
    for name, entry in registry.datasets.items():
        for number, source in enumerate(entry.sources):
            for problem in _wrong_source(source):
                yield problem.under(f"datasets.{name}.sources.{number}").within(where)


def _wrong_source(source: AnyFiles | Read) -> Iterator[Problem]:
    """Yield wrong options of a source's loader, and files that they name and the source has not."""
    try:
        kind = options_of(source.module, LoaderOptions)
    except CragruError as error:
        yield from error.within("module").problems
        return
    given = plain(kind, source.options)
    wrong = wrong_options(kind, given)
    for problem in wrong:
        yield problem.under("options")
    names = [PurePosixPath(member).name for member in source.members]
    for key, file in () if wrong else kind.model_validate(given).files().items():
        if file not in names:
            yield Problem(
                "not one of `members`", f"options.{key}", file, names, "name it there, too"
            )
