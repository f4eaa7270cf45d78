"""Load the whole configuration, and check it across its files."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from cragru.config.base import Frozen, load_yaml, parse
from cragru.config.datasets import Registry
from cragru.config.given import laid_over
from cragru.config.llms import Llms
from cragru.config.models import Files, Overlays, Params, Protocols, Settings
from cragru.core.errors import CragruError, Problem, Problems
from cragru.plan.checks import wrong_project
from cragru.plan.files_there import missing, missing_files, reordered
from cragru.plan.naming import Naming
from cragru.plan.options import check_loaders, check_options, clashes, plain_options
from cragru.plan.project import Project
from cragru.plan.tables import Figures, Tables
from cragru.written.paths import located

VARIANT = re.compile(r"(backbones|methods|strategies)\.[A-Za-z0-9.-]+@")
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
        config: Snakemake's config, after all files and words that are laid over it.
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
    overlays = Problems().take(lambda: parse(Overlays, config.get("overlays", {}), "config"))
    read = {}
    for key in FILES if files and overlays else ():
        read[key] = _Read(key, getattr(files, key), root, getattr(overlays, key), problems)
    loaded = {key: one.laid for key, one in read.items()}
    registry, project = loaded.get("datasets"), None
    problems.found += check_loaders(registry, files.datasets) if registry else []
    is_right = bool(registry and loaded["params"])
    if is_right:
        wrong = [*check_options(read["params"].own, registry.datasets, files.params)]
        if not wrong and overlays.params:
            wrong = [*check_options(loaded["params"], registry.datasets, files.params)]
        problems.found += wrong
        is_right = not wrong
    if settings and None not in loaded.values():
        if is_right:
            settings, loaded = _named(settings, loaded, read["params"].own, problems)
        project = _project(root, settings, loaded)
        problems.found += wrong_project(project)
        problems.found += [*missing_files(project), *reordered(project)] if is_main else []
    problems.found = [_placed(problem, read.values()) for problem in problems.found]
    problems.tell()
    return project


class _Read:
    """A file that the configuration names, and what its overlay makes of it.

    Attributes:
        own: What the file holds; None where it has problems.
        laid: The same with the overlay laid over it.
    """

    def __init__(
        self, key: str, path: str, root: Path, overlay: dict[str, Any], problems: Problems
    ) -> None:
        """Read a file; what is wrong with it, or with the overlay, is added to problems."""
        self.path, self._key, self._overlay, self._content = path, key, overlay, None
        self.own = self.laid = problems.take(partial(self._load, root))
        if self.own and overlay:
            self.laid = problems.take(partial(self._parse, laid_over(self._content, overlay)))

    def place(self, keys: str) -> str | None:
        """Return the place of a key path in the configuration, where the overlay has it."""
        is_laid = _is_laid(keys, self._content, self._overlay)
        return f"config: overlays.{self._key}.{keys}" if is_laid else None

    def _load(self, root: Path) -> Frozen:
        place = f"files.{self._key}"
        problems = list(missing(place, root, self.path))
        if problems:
            raise CragruError.of(problems)
        self._content = load_yaml(located(self.path, place, root))
        return self._parse(self._content)

    def _parse(self, content: Any) -> Frozen:
        read = parse(FILES[self._key], content, self.path)
        return plain_options(read) if isinstance(read, Params) else read


def _named(
    settings: Settings, loaded: dict[str, Any], file: Params, problems: Problems
) -> tuple[Settings, dict[str, Any]]:
    """Return a run's settings and files with the names that its paths have."""
    where = settings.files.params
    naming = Naming(file, loaded["params"], where)
    settings = naming.settings(settings)
    named = loaded | {"params": naming.params}
    for key in ("tables", "figures"):
        file = getattr(settings.files, key)
        named[key] = naming.shown(loaded[key], key, file, settings.methods)
    problems.found += naming.problems.found
    problems.found += clashes(naming.params, loaded["datasets"].datasets, where)
    return settings, named


def _project(root: Path, settings: Settings, loaded: dict[str, Any]) -> Project:
    further = {key: value for key, value in loaded.items() if key != "datasets"}
    further |= {"registry": loaded["datasets"], "protocols": loaded["protocols"].protocols}
    return Project(root=root, settings=settings, **further)


def _placed(problem: Problem, files: Iterable[_Read]) -> Problem:
    """Return a problem at the key that is wrong: overlays and variants stand in the configuration."""
    path, _, keys = problem.place.partition(": ")
    for file in files:
        place = file.place(keys) if file.path == path else None
        if place is not None:
            return replace(problem, place=place)
    return replace(problem, place=f"config: {keys}") if VARIANT.match(keys) else problem


def _is_laid(keys: str, below: Any, above: Mapping[str, Any]) -> bool:
    """Return whether a key path leads to what is laid over a content, or above or below of that."""
    for key, value in above.items():
        if keys == key:
            return True
        if keys.startswith(f"{key}."):
            own = below.get(key) if isinstance(below, Mapping) else None
            are_merged = isinstance(own, Mapping) and isinstance(value, Mapping)
            return not are_merged or _is_laid(keys.removeprefix(f"{key}."), own, value)
    return False
