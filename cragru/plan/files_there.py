"""Files that the configuration names must be there before anything runs, and be what they are for."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from cragru.core.errors import CragruError, Problem
from cragru.llm.prompts import Template
from cragru.plan.project import Project
from cragru.written.paths import located, rule_for

DATA_VARIABLE = "CRAGRU_DATA_DIR"
MOST_SHOWN = 20  # files beside the one that is missing


def missing_files(project: Project) -> Iterator[Problem]:
    """Yield each file or folder that is named and is not there, and templates that are none."""
    root, settings, files = project.root, project.settings, project.settings.files
    for name, table in project.tables.tables.items():
        if table.printed_values is not None:
            place = f"{files.tables}: tables.{name}.paper"
            yield from missing(place, root, table.printed_values)
    for name, entry in project.registry.datasets.items():
        yield from _wrong_template(f"{files.datasets}: datasets.{name}.prompt", root, entry.prompt)
    for name, path in settings.requests.files.items():
        yield from missing(f"requests.files.{name}", root, path)
    # the variable goes before the key; the first job tells what is wrong with it
    if settings.data_dir is not None and not os.environ.get(DATA_VARIABLE):
        yield from missing("data_dir", root, settings.data_dir, Path.exists)
    llm = project.llms.llms.get(settings.scoring.llm)
    folder = llm and getattr(llm.source, "path", None)
    if folder is not None:
        place = f"{files.llms}: llms.{settings.scoring.llm}.source.path"
        yield from missing(place, root, folder, Path.is_dir)


def missing(
    place: str, root: Path, path: str, is_right: Callable[[Path], bool] = Path.is_file
) -> Iterator[Problem]:
    """Yield what is wrong with a path where nothing, or the wrong thing, is.

    Args:
        place: The key path that names it.
        root: The repository.
        path: As it was given.
        is_right: Whether what is there is a file, or a folder, as it must be.
    """
    found = located(path, place, root)
    try:
        if is_right(found):
            return
        beside = sorted(found.parent.glob(f"*{found.suffix}"))[:MOST_SHOWN]
    except (OSError, ValueError):  # a name too long, or one that `glob` takes for a pattern
        beside = []
    names = [str(Path(path).with_name(file.name)) for file in beside]
    what = "nothing of that kind is there"
    yield Problem(what, place, path, names, f"name one that is there{rule_for(path)}")


def _wrong_template(place: str, root: Path, path: str) -> Iterator[Problem]:
    told = list(missing(place, root, path))
    yield from told
    if not told:
        try:
            Template.read(located(path, place, root))
        except CragruError as error:
            yield from error.within(place).problems
