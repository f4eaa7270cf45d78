"""The whole configuration, loaded and cross-checked: what the Snakefile asks."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from cragru.config.base import load_yaml, parse
from cragru.config.datasets import Registry, load_registry
from cragru.config.llms import Llms, load_llms
from cragru.config.models import Option, Params, PartitionEntry, Protocol, Protocols, Settings
from cragru.digest import code_digest
from cragru.errors import CragruError, nearest
from cragru.names import ORIGINAL, ORIGINAL_LABEL
from cragru.paths import as_input, located
from cragru.plan.options import check_options
from cragru.plan.rows import Row, cells_of
from cragru.plan.scoring import TABLE_STRATEGY, Cell
from cragru.plan.tables import Figures, Tables
from cragru.plan.tables.base import Shown


@dataclass(frozen=True)
class Project:
    """A run's settings with the files they name.

    Attributes:
        root: The repository, which files that the configuration names are relative to.
    """

    root: Path
    settings: Settings
    registry: Registry
    protocols: dict[str, Protocol]
    params: Params
    tables: Tables
    figures: Figures
    llms: Llms

    @property
    def gpus(self) -> int:
        """GPUs that a job asks for which trains: one where the configuration demands CUDA."""
        return 1 if self.settings.device == "cuda" else 0

    @cached_property
    def shown(self) -> dict[str, Shown]:
        """The run's tables and figures and the tables that these take numbers from, each once, by name."""
        tables, figures = self.tables.tables, self.figures.figures
        found: dict[str, Shown] = {}
        waiting = list(self.settings.tables)
        while waiting:
            name = waiting.pop(0)
            if name not in found:
                found[name] = tables[name]
                waiting += tables[name].tables().values()
        return found | {name: figures[name] for name in self.settings.figures}

    @cached_property
    def rows(self) -> list[Row]:
        """All rows that the run shows or tests."""
        rows = []
        for entry in self.shown.values():
            rows += entry.rows(self)
            rows += entry.tested_rows(self)
        return rows

    @cached_property
    def cells(self) -> list[Cell]:
        """What an LLM has to answer for the run, each cell once, in a fixed order."""
        return cells_of(self.rows)

    def protocols_in_order(self, order: str) -> list[str]:
        """Names of the protocols that forget first, or split first."""
        return [name for name, protocol in self.protocols.items() if protocol.order == order]

    def download_entry(self, dataset: str) -> dict[str, Any]:
        """What of a data set's entry its download depends on: new words and another loader fetch nothing."""
        return self.registry.datasets[dataset].raw_files.model_dump(mode="json")

    def loaders(self, dataset: str) -> dict[str, str]:
        """The module that reads a data set's files, by the source that they came from."""
        return self.registry.datasets[dataset].loaders

    def loader_code(self, dataset: str) -> dict[str, str | list[str]]:
        """A digest of what prepares a data set, its loaders included."""
        return code_digest("scripts/prepare.py", *sorted(set(self.loaders(dataset).values())))

    def file(self, path: str) -> str:
        """A file that the configuration names, from the working directory: manifests hold no absolute path."""
        return os.path.relpath(located(path, "config", self.root))

    def request_file(self, request: str) -> str:
        """The file of a deletion request."""
        path = self.settings.requests.files[request]
        return as_input(path, f"requests.files.{request}", self.root)

    def training_options(self, dataset: str, backbone: str) -> dict[str, Option]:
        """Hyper-parameters of a backbone on a data set: its own and those of the overrides whose glob matches."""
        return self.params.backbones[backbone].options_in(dataset, backbone)

    def method_options(self, dataset: str, backbone: str, method: str) -> dict[str, Option]:
        """Options of a method on a data set and backbone: its own and those of the overrides whose glob matches."""
        return self.params.methods[method].options_in(dataset, backbone)

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
        return (
            ORIGINAL_LABEL
            if method == ORIGINAL
            else self.params.methods[method].paper or self.label(method)
        )


def load_project(config: dict[str, Any], root: Path) -> Project:
    """Check a run's configuration and everything that it names.

    Args:
        config: Snakemake's config, after all overlays.
        root: The repository, which the files it names are relative to.

    Raises:
        CragruError: With every problem of the first file that has any.
    """
    settings = parse(Settings, config, "config")
    files = {
        key: located(path, f"files.{key}", root)
        for key, path in settings.files.model_dump().items()
    }
    project = Project(
        root=root,
        settings=settings,
        registry=load_registry(files["datasets"]),
        protocols=parse(
            Protocols, load_yaml(files["protocols"]), str(settings.files.protocols)
        ).protocols,
        params=parse(Params, load_yaml(files["params"]), str(settings.files.params)),
        tables=parse(Tables, load_yaml(files["tables"]), str(settings.files.tables)),
        figures=parse(Figures, load_yaml(files["figures"]), str(settings.files.figures)),
        llms=load_llms(files["llms"]),
    )
    for check in (_unknown_names, _shared_labels, _wrong_tables, _wrong_run, _wrong_options):
        problems = list(check(project))
        if problems:
            raise CragruError("; ".join(problems))
    return project


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
        (
            "scoring.llm",
            [settings.scoring.llm] if settings.scoring.llm else [],
            project.llms.llms,
            files.llms,
        ),
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
    methods = {
        ORIGINAL: ORIGINAL_LABEL,
        **{name: entry.label for name, entry in project.params.methods.items()},
    }
    strategies = {name: entry.label for name, entry in project.params.strategies.items()}
    all_labels = (
        (files.datasets, titles),
        *((files.params, labels) for labels in (backbones, methods, strategies)),
    )
    for where, labels in all_labels:
        for name, label in labels.items():
            twin = next(other for other, its in labels.items() if its == label)
            if twin != name:
                yield f"{where}: {name!r} and {twin!r} are both called {label!r} in tables; give each its own label"


def _wrong_tables(project: Project) -> Iterator[str]:
    """What the entries of tables and figures must hold, each by its kind."""
    for where, _, entry in _entries(project):
        for key, problem in entry.problems(project):
            yield f"{where}.{key}: {problem}"


def _entries(project: Project) -> Iterator[tuple[str, str, Shown]]:
    """Every table and figure: where it is defined, its name and its entry."""
    files = project.settings.files
    for name, table in project.tables.tables.items():
        yield f"{files.tables}: tables.{name}", name, table
    for name, figure in project.figures.figures.items():
        yield f"{files.figures}: figures.{name}", name, figure


def _wrong_run(project: Project) -> Iterator[str]:
    """What a run must have for the tables and figures that it shows."""
    settings = project.settings
    shown = [
        (where, name, entry) for where, name, entry in _entries(project) if name in project.shown
    ]
    needing = [name for _, name, entry in shown if entry.needs_llm]
    if settings.scoring.llm is None and needing:
        yield f"scoring.llm: null, but {', '.join(needing)} need an LLM; name one or leave these out"
    for name in settings.scoring.compare_on if needing else []:
        if name not in settings.backbones:
            hint = nearest(name, settings.backbones)
            yield f"scoring.compare_on: unknown name {name!r} ({hint}; defined in the key backbones)"
    comparing = [name for _, name, entry in shown if entry.compares]
    if comparing and not settings.scoring.compare_on:
        yield f"scoring.compare_on: empty, but {', '.join(comparing)} compares strategies; name a backbone"
    for where, name, entry in shown:
        for key, problem in entry.run_problems(project, name):
            yield f"{key}: {problem}"
        for key, problem in entry.entry_problems(project, name):
            yield f"{where}.{key}: {problem}"
    if TABLE_STRATEGY not in project.params.strategies:
        yield f"{settings.files.params}: strategies: {TABLE_STRATEGY!r} is missing, which Table II shows; add it"


def _wrong_options(project: Project) -> Iterator[str]:
    """Plug-ins and their options must be right in every cell."""
    yield from check_options(
        project.params, project.registry.datasets, project.settings.files.params
    )
