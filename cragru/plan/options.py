"""The plug-ins that params.yaml names, and their options, checked when the configuration is read."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from cragru.backbones.options import TrainingOptions
from cragru.config.models import (
    MethodEntry,
    Params,
    PluginEntry,
    StrategyEntry,
    TunedEntry,
    matches,
)
from cragru.core.errors import CragruError, nearest
from cragru.plugins.options import BaseOptions, option_lines, wrong_options
from cragru.plugins.source import check_plugin, options_of
from cragru.unlearning.options import ShardOptions

PATTERNS = "patterns are 'dataset/backbone', such as ml-1m/*"


@dataclass(frozen=True)
class Kind:
    """A kind of plug-in.

    Attributes:
        key: Its section of params.yaml.
        package: Where its modules are.
        functions: What each of them offers.
        options: What its options derive from, and are where it has none of its own.
    """

    key: str
    package: str
    functions: tuple[str, ...]
    options: type[BaseOptions] = BaseOptions


KINDS = (
    Kind("backbones", "cragru.backbones", ("build",), TrainingOptions),
    Kind("partitions", "cragru.unlearning.partition", ("partition",)),
    Kind("methods", "cragru.unlearning", ("unlearn",)),
    Kind("strategies", "cragru.retrieval", ("fit", "load")),
)


def check_options(params: Params, datasets: Iterable[str], where: str) -> Iterator[str]:
    """What is wrong with the plug-ins of params.yaml: a module that is none of its kind, or options it does not take.

    Args:
        params: The file.
        datasets: All data sets of the registry, which overrides may be for.
        where: The file's name, for messages.
    """
    datasets = list(datasets)
    for kind in KINDS:
        for name, entry in getattr(params, kind.key).items():
            place = f"{where}: {kind.key}.{name}"
            try:
                options = plugin_options(kind, entry.module)
            except CragruError as error:
                yield f"{place}.module: {error}"
                continue
            cells = _cells(params, datasets, kind, name)
            yield from _wrong_values(place, entry, options, cells)
            yield from _missing_reads(place, entry, options)
            if isinstance(entry, MethodEntry):
                yield from _wrong_partition(place, entry, options, params)
            if isinstance(entry, StrategyEntry):
                yield from _clashes(place, entry, options, cells, params)


def plugin_options(kind: Kind, module: str) -> type[BaseOptions]:
    """The options that a plug-in takes.

    Raises:
        CragruError: If the module is missing, no plug-in of this kind, or its options cannot be read.
    """
    check_plugin(module, kind.functions, kind.package)
    options = options_of(module) or kind.options
    if not issubclass(options, kind.options):
        raise CragruError(
            f"got {module!r}, whose class Options derives from no {kind.options.__module__}.{kind.options.__name__}; "
            "derive it"
        )
    return options


def _cells(params: Params, datasets: list[str], kind: Kind, name: str) -> list[tuple[str, str]]:
    """Data set and backbone of the cells that an entry may be for: a backbone's are its own."""
    backbones = [name] if kind.key == "backbones" else params.backbones
    return [(dataset, backbone) for dataset in datasets for backbone in backbones]


def _wrong_values(
    place: str, entry: PluginEntry, options: type[BaseOptions], cells: list[tuple[str, str]]
) -> Iterator[str]:
    """Wrong options of an entry, of each of its overrides, and of a cell that several overrides are for."""
    known = set(wrong_options(options, entry.options))
    yield from option_lines(f"{place}.options", wrong_options(options, entry.options))
    if not isinstance(entry, TunedEntry):
        return
    for pattern, values in entry.overrides.items():
        if not any(matches(pattern, *cell) for cell in cells):
            yield f"{place}.overrides.{pattern}: matches no cell; {PATTERNS}"
        elif not values:
            yield f"{place}.overrides.{pattern}: empty; set an option there, or leave the pattern out"
        told = [
            problem
            for problem in wrong_options(options, entry.options | values)
            if problem not in known
        ]
        known.update(told)
        yield from option_lines(f"{place}.overrides.{pattern}", told)
    for cell in cells:
        told = [
            problem
            for problem in wrong_options(options, entry.options_in(*cell))
            if problem not in known
        ]
        known.update(told)
        yield from option_lines(f"{place}.overrides, together in {'/'.join(cell)}", told)


def _missing_reads(place: str, entry: PluginEntry, options: type[BaseOptions]) -> Iterator[str]:
    """An entry must say that its module is given what it cannot do without: certificates speak of it."""
    missing = [name for name in options.needs if name not in getattr(entry, "reads", ())]
    if missing:
        yield f"{place}.reads: lacks {', '.join(missing)}, which {entry.module} reads; add it"


def _clashes(
    place: str,
    entry: StrategyEntry,
    options: type[BaseOptions],
    cells: list[tuple[str, str]],
    params: Params,
) -> Iterator[str]:
    """What cannot be with the hyper-parameters of a backbone; wrong options are told elsewhere."""
    if list(wrong_options(options, entry.options)):
        return
    chosen, told = options.model_validate(entry.options), set()
    for dataset, name in cells:
        backbone = params.backbones[name]
        try:
            kind = plugin_options(KINDS[0], backbone.module)
            clash = chosen.clash(kind.model_validate(backbone.options_in(dataset, name)))
        except (CragruError, ValidationError):  # told of the backbone
            continue
        if clash is not None and clash not in told:
            told.add(clash)
            yield f"{place}.options.{clash} {name!r}"


def _wrong_partition(
    place: str, entry: MethodEntry, options: type[BaseOptions], params: Params
) -> Iterator[str]:
    """A method with shards names a partition that there is, and no other method does."""
    has_shards = issubclass(options, ShardOptions)
    if has_shards and entry.partition is None:
        yield f"{place}.partition: missing, and {entry.module} has shards; name one ({nearest('', params.partitions)})"
    elif entry.partition is not None and not has_shards:
        yield f"{place}.partition: got {entry.partition!r}, but {entry.module} has no shards; leave it out"
    elif entry.partition is not None and entry.partition not in params.partitions:
        yield f"{place}.partition: unknown name {entry.partition!r} ({nearest(entry.partition, params.partitions)})"
