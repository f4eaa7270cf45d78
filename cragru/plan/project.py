"""The whole configuration, loaded and cross-checked: what the Snakefile asks."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from cragru.config.base import Frozen, load_yaml, parse
from cragru.config.datasets import Registry
from cragru.config.llms import Llms
from cragru.config.models import (
    Files,
    Option,
    Params,
    PartitionEntry,
    Protocol,
    Protocols,
    Settings,
)
from cragru.core.errors import CragruError, Problem, Problems
from cragru.core.names import ORIGINAL, ORIGINAL_LABEL
from cragru.plan.checks import wrong_project
from cragru.plan.files_there import missing_file, missing_files
from cragru.plan.options import check_options
from cragru.plan.rows import Row, cells_of
from cragru.plan.scoring import Cell
from cragru.plan.tables import Figures, Tables
from cragru.plan.tables.base import Shown
from cragru.rerun.digest import code_digest
from cragru.written.paths import as_input, located

FILES: dict[str, type[Frozen]] = {
    "datasets": Registry,
    "protocols": Protocols,
    "params": Params,
    "tables": Tables,
    "figures": Figures,
    "llms": Llms,
}
"""What each file holds that the configuration names, by its key under `files`."""


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
        """The run's tables and figures and the tables that these take numbers from, each once, by name.

        Names that are defined nowhere are passed over: they are refused when the configuration is read.
        """
        tables, figures = self.tables.tables, self.figures.figures
        found: dict[str, Shown] = {}
        waiting = list(self.settings.tables)
        while waiting:
            name = waiting.pop(0)
            if name in tables and name not in found:
                found[name] = tables[name]
                waiting += tables[name].tables().values()
        return found | {name: figures[name] for name in self.settings.figures if name in figures}

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
        """A file that the configuration names, as an input of a rule."""
        return as_input(path, "config", self.root)

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


def load_project(config: dict[str, Any], root: Path, is_main: bool = True) -> Project:
    """Check a run's configuration and everything that it names.

    Args:
        config: Snakemake's config, after all overlays.
        root: The repository.
        is_main: Whether files must be there that only the run's first process is sure to see: a job on another
            machine reads the configuration, too.

    Raises:
        CragruError: With every problem of every file; those across files only where each file is right by itself.
    """
    problems = Problems()
    settings = problems.take(lambda: parse(Settings, config, "config"))
    files = settings.files if settings else _files_of(config)
    loaded = _load_files(files, root, problems) if files else {}
    if settings and None not in loaded.values():
        project = Project(root=root, settings=settings, **loaded)
        problems.found += map(Problem, wrong_project(project))
        problems.found += map(Problem, missing_files(project) if is_main else [])
    if loaded.get("registry") and loaded.get("params"):
        datasets = loaded["registry"].datasets
        problems.found += check_options(loaded["params"], datasets, files.params)
    problems.tell()
    return project


def _files_of(config: dict[str, Any]) -> Files | None:
    """Where the other files are, in a configuration that is wrong elsewhere."""
    try:
        return parse(Files, config["files"], "config")
    except (CragruError, KeyError, TypeError):  # told with all else of the configuration
        return None


def _load_files(files: Files, root: Path, problems: Problems) -> dict[str, Any]:
    """The files that a configuration names, by the fields of a `Project`; None for one with problems."""
    loaded: dict[str, Any] = {}
    for key, model in FILES.items():
        path = getattr(files, key)
        missing = list(missing_file(f"files.{key}", root, path))
        problems.found += map(Problem, missing)
        loaded[key] = None
        if not missing:
            found = located(path, f"files.{key}", root)
            loaded[key] = problems.take(
                lambda model=model, path=path, found=found: parse(model, load_yaml(found), path)
            )
    loaded["registry"] = loaded.pop("datasets")
    if loaded["protocols"]:
        loaded["protocols"] = loaded["protocols"].protocols
    return loaded
