"""The plug-ins that params.yaml names, and their options, checked when the configuration is read."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from cragru.backbones.options import TrainingOptions
from cragru.config.models import (
    MethodEntry,
    Params,
    PluginEntry,
    StrategyEntry,
    TunedEntry,
    matches,
)
from cragru.core.errors import CragruError, Problem
from cragru.plugins.options import BaseOptions, read_options, wrong_options
from cragru.plugins.source import check_plugin, options_of
from cragru.unlearning.options import ShardOptions

PATTERNS = "patterns are 'dataset/backbone', such as ml-1m/*"
Pair = tuple[str, str]
"""A data set and a backbone."""


@dataclass(frozen=True)
class Kind:
    """A kind of plug-in.

    Attributes:
        key: Its section of params.yaml.
        package: Where its modules are.
        functions: What each module offers.
        options: What its options inherit from, and are where it has none of its own.
    """

    key: str
    package: str
    functions: tuple[str, ...]
    options: type[BaseOptions] = BaseOptions


BACKBONES = Kind("backbones", "cragru.backbones", ("build",), TrainingOptions)
KINDS = (
    BACKBONES,
    Kind("partitions", "cragru.unlearning.partition", ("partition",)),
    Kind("methods", "cragru.unlearning", ("unlearn",)),
    Kind("strategies", "cragru.retrieval", ("fit", "load")),
)


def check_options(params: Params, datasets: Iterable[str], where: str) -> Iterator[Problem]:
    """Yield what is wrong with the plug-ins of params.yaml: with their modules, and with their options.

    Args:
        params: The file.
        datasets: All data sets of the registry, which overrides may be for.
        where: The file's name.
    """
    datasets = list(datasets)
    for kind in KINDS:
        for name, entry in getattr(params, kind.key).items():
            backbones = [name] if kind is BACKBONES else params.backbones
            pairs = [(dataset, backbone) for dataset in datasets for backbone in backbones]
            found = {str(one): one for one in _wrong_entry(kind, entry, pairs, params)}
            for problem in found.values():
                yield problem.under(f"{where}: {kind.key}.{name}")


def plugin_options(kind: Kind, module: str) -> type[BaseOptions]:
    """Return the options that a plug-in takes.

    Raises:
        CragruError: If the module is missing, no plug-in of this kind, or its options cannot be read.
    """
    check_plugin(module, kind.functions, kind.package)
    return options_of(module, kind.options)


def _wrong_entry(
    kind: Kind, entry: PluginEntry, pairs: list[Pair], params: Params
) -> Iterator[Problem]:
    try:
        options = plugin_options(kind, entry.module)
    except CragruError as error:
        yield from error.within("module").problems
        return
    yield from _wrong_values(entry, options, pairs)
    for name in options.needs:
        if name not in getattr(entry, "reads", ()):
            yield Problem(f"lacks {name!r}, which {entry.module} reads", "reads", advice="add it")
    if isinstance(entry, MethodEntry):
        yield from _wrong_partition(entry, options, params)
    if isinstance(entry, StrategyEntry) and not wrong_options(options, entry.options):
        yield from _clashes(options.model_validate(entry.options), pairs, params)


def _wrong_values(
    entry: PluginEntry, options: type[BaseOptions], pairs: list[Pair]
) -> Iterator[Problem]:
    """Yield wrong options of an entry, of its overrides, and of a pair that several overrides are for."""
    values = {"options": entry.options}
    overrides = entry.overrides if isinstance(entry, TunedEntry) else {}
    for pattern, override in overrides.items():
        place = f"overrides.{pattern}"
        values[place] = entry.options | override
        if not any(matches(pattern, *pair) for pair in pairs):
            yield Problem("matches nothing", place, advice=PATTERNS)
        elif not override:
            yield Problem("empty", place, advice="set an option there, or leave the pattern out")
    for pair in pairs if overrides else ():
        values[f"overrides, together in {'/'.join(pair)}"] = entry.options_in(*pair)
    told = set()
    for place, given in values.items():
        for problem in wrong_options(options, given):
            if str(problem) not in told:
                told.add(str(problem))
                yield problem.under(place)


def _clashes(chosen: BaseOptions, pairs: list[Pair], params: Params) -> Iterator[Problem]:
    """Yield what cannot be with the hyper-parameters of a backbone; wrong ones are told elsewhere."""
    for dataset, name in pairs:
        backbone = params.backbones[name]
        try:
            kind = plugin_options(BACKBONES, backbone.module)
            clash = chosen.clash(read_options(kind, backbone.options_in(dataset, name)))
        except CragruError:  # told of the backbone
            continue
        if clash is not None:
            yield replace(clash, what=f"{clash.what} of {name!r}").under("options")


def _wrong_partition(
    entry: MethodEntry, options: type[BaseOptions], params: Params
) -> Iterator[Problem]:
    """Yield what is wrong where a method with shards names no partition that there is, or another method names one."""
    got, known = entry.partition, params.partitions
    if issubclass(options, ShardOptions):
        if got not in known:
            yield Problem("must name a partition", "partition", got, known)
    elif got is not None:
        yield Problem(f"{entry.module} has no shards", "partition", got, advice="leave it out")
