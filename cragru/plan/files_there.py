"""Files that the configuration names must be there before anything runs, and be what they are for."""

import os
from collections.abc import Iterator
from pathlib import Path

from cragru.core.errors import CragruError, nearest, short
from cragru.llm.prompts import Template
from cragru.plan.project import Project
from cragru.written.paths import located, rule_for

DATA_VARIABLE = "CRAGRU_DATA_DIR"
MOST_SHOWN = 20  # files beside the one that is missing


def missing_files(project: Project) -> Iterator[str]:
    """Every file or folder that is named and is not there, one line each."""
    yield from _printed_values(project)
    yield from _templates(project)
    yield from _requests(project)
    yield from _data(project)
    yield from _model_folder(project)


def missing_file(place: str, root: Path, path: str) -> Iterator[str]:
    """A file that is not there; the message has the nearest one of its folder.

    Args:
        place: The key path that names it.
        root: The repository.
        path: As it was given.
    """
    found = located(path, place, root)
    try:
        if found.is_file():
            return
        what = "is a folder" if found.is_dir() else "no such file"
        beside = [file.name for file in found.parent.glob(f"*{found.suffix}")]
    except (OSError, ValueError) as error:  # a name too long, or with signs that no path has
        what, beside = f"cannot be looked for ({error})", []
    hint = nearest(found.name, sorted(beside)[:MOST_SHOWN])
    yield f"{place}: got {short(path)!r}: {what} (in its folder: {hint}){rule_for(path)}; name one that is there"


def _printed_values(project: Project) -> Iterator[str]:
    file = project.settings.files.tables
    for name, table in project.tables.tables.items():
        if table.printed_values is not None:
            place = f"{file}: tables.{name}.paper"
            yield from missing_file(place, project.root, table.printed_values)


def _templates(project: Project) -> Iterator[str]:
    """Templates of prompts; one that is there must have its placeholders."""
    for name, entry in project.registry.datasets.items():
        place = f"{project.settings.files.datasets}: datasets.{name}.prompt"
        told = list(missing_file(place, project.root, entry.prompt))
        yield from told
        if not told:
            try:
                Template.read(located(entry.prompt, place, project.root))
            except CragruError as error:
                yield f"{place}: {error}"


def _requests(project: Project) -> Iterator[str]:
    """Deletion requests."""
    for name, path in project.settings.requests.files.items():
        yield from missing_file(f"requests.files.{name}", project.root, path)


def _data(project: Project) -> Iterator[str]:
    """The publisher's files, by the key: the variable goes before it, and the first job tells of that one."""
    given = project.settings.data_dir
    if given is None or os.environ.get(DATA_VARIABLE):
        return
    try:
        is_there = located(given, "data_dir", project.root).exists()
    except OSError:  # a name too long
        is_there = False
    if not is_there:
        yield (
            f"data_dir: got {given!r}: no such file or folder{rule_for(given)}; name the publisher's archive or its "
            "folder, or null"
        )


def _model_folder(project: Project) -> Iterator[str]:
    """The folder of the run's language model, where it is one of this machine."""
    name = project.settings.scoring.llm
    if name not in project.llms.llms:
        return
    path = getattr(project.llms.llms[name].source, "path", None)
    place = f"{project.settings.files.llms}: llms.{name}.source.path"
    if path is not None and not located(path, place, project.root).is_dir():
        yield f"{place}: got {path!r}: no such folder{rule_for(path)}; name the model's folder"
