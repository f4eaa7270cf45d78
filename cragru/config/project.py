"""The whole configuration, loaded and cross-checked: what the Snakefile asks."""

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cragru.config.base import load_yaml, parse
from cragru.config.datasets import Registry, load_registry
from cragru.config.models import Params, Protocol, Protocols, Settings, Tables, UtilityTable
from cragru.errors import CragruError, nearest

NOT_TRAINING = {"label", "module"}  # fields of a backbone's entry that are not hyper-parameters
ORIGINAL = "original"  # the model before any request: a row of tables, not a method


@dataclass(frozen=True)
class Project:
    """A run's settings with the files they name."""

    settings: Settings
    registry: Registry
    protocols: dict[str, Protocol]
    params: Params
    tables: Tables

    def training_options(self, dataset: str, backbone: str) -> dict[str, float | int]:
        """Hyper-parameters of a cell: the backbone's, with the overrides whose glob matches, last one last."""
        options = self.params.backbones[backbone].model_dump(exclude=NOT_TRAINING)
        for pattern, values in self.params.overrides.items():
            if fnmatch.fnmatchcase(f"{dataset}/{backbone}", pattern):
                options |= values
        return options

    def requests(self, protocol: str) -> list[str]:
        """Names of the requests of a protocol that serves them one at a time; none for the others."""
        kind = self.protocols[protocol].forget.kind
        if kind == "one-user":
            return [f"draw-{number}" for number in range(1, self.settings.requests.one_user + 1)]
        return list(self.settings.requests.files) if kind == "file" else []

    def label(self, method: str) -> str:
        """What tables call a method, or the original model."""
        return "Original" if method == ORIGINAL else self.params.methods[method].label


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
    )
    _check_names(project)
    _check_overrides(project)
    return project


def _check_names(project: Project) -> None:
    settings = project.settings
    known = {
        "datasets": project.registry.datasets,
        "backbones": project.params.backbones,
        "methods": project.params.methods,
        "tables": project.tables.tables,
    }
    problems = [
        f"{key}: unknown name {name!r} ({nearest(name, known[key])}; defined in {getattr(settings.files, file)})"
        for key, file in (
            ("datasets", "datasets"),
            ("backbones", "params"),
            ("methods", "params"),
            ("tables", "tables"),
        )
        for name in getattr(settings, key)
        if name not in known[key]
    ]
    for name, table in project.tables.tables.items():
        if isinstance(table, UtilityTable) and table.protocol not in project.protocols:
            hint = nearest(table.protocol, project.protocols)
            problems.append(
                f"{settings.files.tables}: tables.{name}.protocol: unknown name {table.protocol!r} ({hint})"
            )
    if ORIGINAL in project.params.methods:
        problems.append(f"{settings.files.params}: methods.{ORIGINAL}: is the model before any request; rename it")
    _raise(problems)


def _check_overrides(project: Project) -> None:
    allowed = next(iter(project.params.backbones.values())).model_fields.keys() - NOT_TRAINING
    _raise(
        f"{project.settings.files.params}: overrides.{pattern}.{key}: unknown key ({nearest(key, allowed)})"
        for pattern, values in project.params.overrides.items()
        for key in values
        if key not in allowed
    )


def _raise(problems: Iterable[str]) -> None:
    text = "; ".join(problems)
    if text:
        raise CragruError(text)
