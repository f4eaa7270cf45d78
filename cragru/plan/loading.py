"""Load the whole configuration, and check it across its files."""

from functools import partial
from pathlib import Path
from typing import Any

from cragru.config.base import Frozen, load_yaml, parse
from cragru.config.datasets import Registry
from cragru.config.llms import Llms
from cragru.config.models import Files, Params, Protocols, Settings
from cragru.core.errors import CragruError, Problems
from cragru.plan.checks import wrong_project
from cragru.plan.files_there import missing, missing_files
from cragru.plan.options import check_options, plain_options
from cragru.plan.project import Project
from cragru.plan.tables import Figures, Tables
from cragru.written.paths import located

FILES: dict[str, type[Frozen]] = {
    "datasets": Registry,
    "protocols": Protocols,
    "params": Params,
    "tables": Tables,
    "figures": Figures,
    "llms": Llms,
}
"""What each file holds that the configuration names, by its key under `files`."""


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
    # of a configuration that is wrong elsewhere, too
    files = Problems().take(lambda: parse(Files, config.get("files"), "config"))
    loaded = _load_files(files, root, problems) if files else {}
    params, registry = loaded.get("params"), loaded.get("registry")
    if params:
        params = loaded["params"] = plain_options(params)
    if settings and None not in loaded.values():
        project = Project(root=root, settings=settings, **loaded)
        problems.found += wrong_project(project)
        problems.found += missing_files(project) if is_main else []
    if params and registry:
        problems.found += check_options(params, registry.datasets, files.params)
    problems.tell()
    return project


def _load_files(files: Files, root: Path, problems: Problems) -> dict[str, Any]:
    """Return the files that a configuration names, by the fields of a `Project`; None for one with problems."""
    loaded: dict[str, Any] = {}
    for key in FILES:
        loaded[key] = problems.take(partial(_load_file, key, getattr(files, key), root))
    loaded["registry"] = loaded.pop("datasets")
    if loaded["protocols"]:
        loaded["protocols"] = loaded["protocols"].protocols
    return loaded


def _load_file(key: str, path: str, root: Path) -> Frozen:
    place = f"files.{key}"
    problems = list(missing(place, root, path))
    if problems:
        raise CragruError.of(problems)
    return parse(FILES[key], load_yaml(located(path, place, root)), path)
