"""The whole configuration, loaded and cross-checked: what the Snakefile asks."""

import fnmatch
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cragru.config.base import load_yaml, parse
from cragru.config.datasets import Registry, load_registry
from cragru.config.llms import Llms, load_llms
from cragru.config.models import BackboneEntry, Option, Params, PartitionEntry, Protocol, Protocols, Settings
from cragru.config.tables import (
    BiasTable,
    ClaimsTable,
    CompletenessTable,
    CostTable,
    Figures,
    ForgetRemainFigure,
    SizeTable,
    StrategiesFigure,
    Tables,
    TimeTable,
    UtilityTable,
)
from cragru.errors import CragruError, nearest
from cragru.evaluation.schema import CUTOFFS, ORIGINAL_LABEL

NOT_TRAINING = {"label", "module"}  # fields of a backbone's entry that are not hyper-parameters
TABLE_STRATEGY = "none"  # what Table II shows of CRAGRU, as in the paper
PATTERNS = "patterns are 'dataset/backbone', such as ml-1m/*"
ORIGINAL = "original"  # the model before any request: a row of tables, not a method
RETRAIN = "retrain"  # the method that all others are held against


@dataclass(frozen=True)
class Project:
    """A run's settings with the files they name."""

    settings: Settings
    registry: Registry
    protocols: dict[str, Protocol]
    params: Params
    tables: Tables
    figures: Figures
    llms: Llms

    def training_options(self, dataset: str, backbone: str) -> dict[str, float | int]:
        """Hyper-parameters of a cell: the backbone's, with the overrides whose glob matches, last one last."""
        options = self.params.backbones[backbone].model_dump(exclude=NOT_TRAINING)
        for pattern, values in self.params.overrides.items():
            if _matches(pattern, dataset, backbone):
                options |= values
        return options

    def method_options(self, dataset: str, backbone: str, method: str) -> dict[str, Option]:
        """Options of a method in a cell: the method's, with the overrides whose glob matches, last one last."""
        entry = self.params.methods[method]
        options = dict(entry.options)
        for pattern, values in entry.overrides.items():
            if _matches(pattern, dataset, backbone):
                options |= values
        return options

    def partition(self, method: str) -> PartitionEntry | None:
        """How a method's data are cut, or None where it has no shards."""
        name = self.params.methods[method].partition
        return None if name is None else self.params.partitions[name]

    def requests(self, protocol: str) -> list[str]:
        """Names of the requests of a protocol that serves them one at a time; none for the others."""
        kind = self.protocols[protocol].forget.kind
        if kind == "one-user":
            return [f"draw-{number}" for number in range(1, self.settings.requests.one_user + 1)]
        return list(self.settings.requests.files) if kind == "file" else []

    def label(self, method: str) -> str:
        """What tables call a method, or the original model."""
        return ORIGINAL_LABEL if method == ORIGINAL else self.params.methods[method].label

    def paper_label(self, method: str) -> str:
        """What the paper's tables call it."""
        return ORIGINAL_LABEL if method == ORIGINAL else self.params.methods[method].paper or self.label(method)


def load_project(config: dict[str, Any], root: Path) -> Project:
    """Check a run's configuration and everything that it names.

    Args:
        config: Snakemake's config, after all overlays.
        root: The repository, which the files it names are relative to.

    Raises:
        CragruError: With every problem of the first file that has any.
    """
    settings = parse(Settings, config, "config")
    files = {key: root / path for key, path in settings.files.model_dump().items()}
    project = Project(
        settings=settings,
        registry=load_registry(files["datasets"]),
        protocols=parse(Protocols, load_yaml(files["protocols"]), str(settings.files.protocols)).protocols,
        params=parse(Params, load_yaml(files["params"]), str(settings.files.params)),
        tables=parse(Tables, load_yaml(files["tables"]), str(settings.files.tables)),
        figures=parse(Figures, load_yaml(files["figures"]), str(settings.files.figures)),
        llms=load_llms(files["llms"]),
    )
    for check in (_unknown_names, _shared_labels, _wrong_tables, _wrong_scoring, _wrong_overrides, _wrong_methods):
        problems = list(check(project))
        if problems:
            raise CragruError("; ".join(problems))
    return project


def _matches(pattern: str, dataset: str, backbone: str) -> bool:
    """Whether an override's glob is meant for a cell."""
    return fnmatch.fnmatchcase(f"{dataset}/{backbone}", pattern)


def _unknown_names(project: Project) -> Iterator[str]:
    """What a run names must be defined in the file for it."""
    settings, files, params = project.settings, project.settings.files, project.params
    for key, wanted, known, file in (
        ("datasets", settings.datasets, project.registry.datasets, files.datasets),
        ("backbones", settings.backbones, params.backbones, files.params),
        ("methods", settings.methods, params.methods, files.params),
        ("tables", settings.tables, project.tables.tables, files.tables),
        ("figures", settings.figures, project.figures.figures, files.figures),
        ("retrieval.strategies", settings.retrieval.strategies, params.strategies, files.params),
        ("scoring.llm", [settings.scoring.llm] if settings.scoring.llm else [], project.llms.llms, files.llms),
    ):
        for name in wanted:
            if name not in known:
                yield f"{key}: unknown name {name!r} ({nearest(name, known)}; defined in {file})"
    if ORIGINAL in project.params.methods:
        yield f"{files.params}: methods.{ORIGINAL}: is the model before any request; rename it"


def _shared_labels(project: Project) -> Iterator[str]:
    """Rows of a table are told apart by their labels, so no two may share one."""
    files = project.settings.files
    titles = {name: entry.title for name, entry in project.registry.datasets.items()}
    backbones = {name: entry.label for name, entry in project.params.backbones.items()}
    methods = {ORIGINAL: ORIGINAL_LABEL, **{name: entry.label for name, entry in project.params.methods.items()}}
    strategies = {name: entry.label for name, entry in project.params.strategies.items()}
    all_labels = ((files.datasets, titles), *((files.params, labels) for labels in (backbones, methods, strategies)))
    for where, labels in all_labels:
        for name, label in labels.items():
            twin = next(other for other, its in labels.items() if its == label)
            if twin != name:
                yield f"{where}: {name!r} and {twin!r} are both called {label!r} in tables; give each its own label"


def _wrong_tables(project: Project) -> Iterator[str]:
    """Tables and figures must name a protocol that there is, and cut-offs that are evaluated."""
    files = project.settings.files
    tables = {f"{files.tables}: tables.{name}": table for name, table in project.tables.tables.items()}
    figures = {f"{files.figures}: figures.{name}": figure for name, figure in project.figures.figures.items()}
    for where, spec in (tables | figures).items():
        protocol = getattr(spec, "protocol", None)
        if protocol is not None and protocol not in project.protocols:
            yield f"{where}.protocol: unknown name {protocol!r} ({nearest(protocol, project.protocols)})"
        wrong = [k for k in getattr(spec, "cutoffs", []) if k not in CUTOFFS]
        if wrong:
            yield f"{where}.cutoffs: got {wrong}; allowed: {', '.join(map(str, CUTOFFS))}"
        named = {"rivals": getattr(spec, "rivals", []), "again": [spec.again] if getattr(spec, "again", None) else []}
        for key, name in ((key, name) for key, names in named.items() for name in names):
            if name not in project.params.methods:
                yield f"{where}.{key}: unknown name {name!r} ({nearest(name, project.params.methods)})"
        for key, kind in (("utility", UtilityTable), ("time", TimeTable)):
            name = getattr(spec, key, None)
            if name is not None and not isinstance(project.tables.tables.get(name), kind):
                right = [other for other, table in project.tables.tables.items() if isinstance(table, kind)]
                yield f"{where}.{key}: got {name!r}, which is no table of that kind ({nearest(name, right)})"
        if isinstance(spec, SizeTable) and protocol in project.protocols:
            kind = project.protocols[protocol].forget.kind
            if kind != "interactions":
                yield f"{where}.protocol: got {protocol!r}, which forgets {kind}; take one that forgets interactions"
        if isinstance(spec, TimeTable) and getattr(project.protocols.get(protocol), "order", "") == "forget-first":
            yield f"{where}.protocol: got {protocol!r}, which has no single requests; take one-user or from-file"
        whole = isinstance(spec, (CompletenessTable, BiasTable, SizeTable)) or shows_cragru(spec)
        if protocol in project.protocols and whole:
            order = project.protocols[protocol].order
            if order != "forget-first":
                yield f"{where}.protocol: got {protocol!r}, which is {order}; it needs one that is forget-first"


def _wrong_claims(project: Project, spec: ClaimsTable, name: str) -> Iterator[str]:
    """Claims about CRAGRU need tables that show it, and Retrain."""
    where = f"{project.settings.files.tables}: tables.{name}"
    if RETRAIN not in project.settings.methods:
        yield f"methods: lacks {RETRAIN!r}, which {name} holds CRAGRU against; add it"
    utility, time = (project.tables.tables.get(name) for name in (spec.utility, spec.time))
    if isinstance(utility, UtilityTable) and not utility.panel:
        yield f"{where}.utility: {spec.utility!r} has no panel of a cohort; set its key panel to true"
    if isinstance(time, TimeTable) and not time.cragru:
        yield f"{where}.time: {spec.time!r} has no row of CRAGRU; set its key cragru to true"


def shows_cragru(spec: object) -> bool:
    """Whether a table or figure has rows of the LLM, where the run has one."""
    has_panel = isinstance(spec, (UtilityTable, CompletenessTable)) and spec.panel
    return has_panel or isinstance(spec, (CostTable, StrategiesFigure, ForgetRemainFigure))


def _wrong_scoring(project: Project) -> Iterator[str]:
    """What needs an LLM must have one, and the strategy of Table II."""
    settings = project.settings
    named = {name: project.tables.tables[name] for name in settings.tables}
    named |= {name: project.figures.figures[name] for name in settings.figures}
    needing = [name for name, spec in named.items() if isinstance(spec, (CostTable, ClaimsTable, StrategiesFigure))]
    if settings.scoring.llm is None and needing:
        yield f"scoring.llm: null, but {', '.join(needing)} need an LLM; name one or leave these out"
    comparing = [name for name, spec in named.items() if isinstance(spec, StrategiesFigure)]
    for name in settings.scoring.compare_on if needing else []:
        if name not in settings.backbones:
            hint = nearest(name, settings.backbones)
            yield f"scoring.compare_on: unknown name {name!r} ({hint}; defined in the key backbones)"
    if comparing and not settings.scoring.compare_on:
        yield f"scoring.compare_on: empty, but {', '.join(comparing)} compares strategies; name a backbone"
    for name, spec in named.items():
        again = getattr(spec, "again", None)
        if again in settings.methods:
            yield f"methods: got {again!r}, which {name} holds Retrain against; it is trained without being a row"
        if isinstance(spec, UtilityTable) and again and RETRAIN not in settings.methods:
            yield f"methods: lacks {RETRAIN!r}, which {name} tells noise by; add it, or remove the table's key again"
        if isinstance(spec, ClaimsTable):
            yield from _wrong_claims(project, spec, name)
    if TABLE_STRATEGY not in project.params.strategies:
        yield f"{settings.files.params}: strategies: {TABLE_STRATEGY!r} is missing, which Table II shows; add it"


def _matched(project: Project, pattern: str) -> list[str]:
    """The backbones of the cells that an override is meant for."""
    cells = ((dataset, backbone) for dataset in project.registry.datasets for backbone in project.params.backbones)
    return list(dict.fromkeys(backbone for dataset, backbone in cells if _matches(pattern, dataset, backbone)))


def _wrong_methods(project: Project) -> Iterator[str]:
    """A method must name a partition that there is, and its overrides must match a cell."""
    where = f"{project.settings.files.params}: methods"
    for name, entry in project.params.methods.items():
        if entry.partition is not None and entry.partition not in project.params.partitions:
            hint = nearest(entry.partition, project.params.partitions)
            yield f"{where}.{name}.partition: unknown name {entry.partition!r} ({hint})"
        for pattern in entry.overrides:
            if not _matched(project, pattern):
                yield f"{where}.{name}.overrides.{pattern}: matches no cell; {PATTERNS}"


def _wrong_overrides(project: Project) -> Iterator[str]:
    """An override must match a cell, name a hyper-parameter, and give it an allowed value."""
    where = f"{project.settings.files.params}: overrides"
    for pattern, values in project.params.overrides.items():
        matched = [project.params.backbones[backbone] for backbone in _matched(project, pattern)]
        if not matched:
            yield f"{where}.{pattern}: matches no cell; {PATTERNS}"
        for key in values.keys() & NOT_TRAINING:
            yield f"{where}.{pattern}.{key}: is no hyper-parameter; change it in the backbone's entry"
        for entry in matched[:1]:
            try:
                parse(BackboneEntry, entry.model_dump() | values, f"{where}.{pattern}")
            except CragruError as error:
                yield str(error)
