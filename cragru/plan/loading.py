"""Load the whole configuration, and check it across its files."""

from pathlib import Path
from typing import Any

from cragru.config.base import Frozen, load_yaml, parse
from cragru.config.datasets import Registry
from cragru.config.llms import Llms
from cragru.config.models import Files, Params, Protocols, Settings
from cragru.core.errors import CragruError, Problem, Problems
from cragru.plan.checks import wrong_project
from cragru.plan.files_there import missing_file, missing_files
from cragru.plan.options import check_options
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
    files = settings.files if settings else _files_of(config)
    loaded = _load_files(files, root, problems) if files else {}
    if settings and None not in loaded.values():
        project = Project(root=root, settings=settings, **loaded)
        problems.found += map(Problem, wrong_project(project))
        problems.found += map(Problem, missing_files(project) if is_main else [])
    if loaded.get("registry") and loaded.get("params"):
        datasets = loaded["registry"].datasets
        problems.found += map(Problem, check_options(loaded["params"], datasets, files.params))
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
