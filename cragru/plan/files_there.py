"""Files that the configuration names must be there before anything runs, and be what they are for."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from cragru.core.errors import CragruError, Problem
from cragru.core.names import RESULTS
from cragru.kept.manifest import read_manifest
from cragru.llm.prompts import Template
from cragru.plan import places
from cragru.plan.checks import least_lines, most_tokens
from cragru.plan.copies import DATA_VARIABLE, Copies
from cragru.plan.project import Project
from cragru.plan.run import Run
from cragru.written.paths import located, rule_for
from cragru.written.printed import printed_values

Look = Callable[[Path], Any]
# an advice
IN_ORDER = "keep the order of requests that were served, and add new ones at the end"
MOST_SHOWN = 20  # files beside the one that is missing


def missing_files(project: Project) -> Iterator[Problem]:
    """Yield each file or folder that is named and is not there; templates and printed values that cannot be read."""
    root, settings, files = project.root, project.settings, project.settings.files
    for name, table in project.tables.tables.items():
        if table.printed_values is not None:
            place = f"{files.tables}: tables.{name}.paper"
            read = partial(printed_values, columns=table.paper_columns)
            yield from _unreadable(place, root, table.printed_values, read)
    for name, entry in project.registry.datasets.items():
        place = f"{files.datasets}: datasets.{name}.prompt"
        problems = _unreadable(place, root, entry.prompt, Template.read)
        if not problems and name in settings.datasets:
            problems += _crowded(project, place, entry.prompt)
        yield from problems
        for form, path in entry.form_prompts.items():
            place = f"{files.datasets}: datasets.{name}.form_prompts.{form}"
            yield from _unreadable(place, root, path, Template.read)
    for name in settings.datasets:
        own = project.registry.datasets[name].own if name in project.registry.datasets else None
        place = f"{files.datasets}: datasets.{name}.sources.0.members"
        for file in own.files if own else ():
            yield from missing(place, root, file)
            yield from _among_results(place, root, file)
        yield from _copy_missing(project, name)
    for name, path in settings.requests.files.items():
        yield from missing(f"requests.files.{name}", root, path)
    # the variable goes before the key; the first job tells what is wrong with it
    if settings.data_dir is not None and not os.environ.get(DATA_VARIABLE):
        yield from missing("data_dir", root, settings.data_dir, Path.exists)
    llm = project.llms.llms.get(settings.scoring.llm)
    if llm is not None and hasattr(llm.source, "path"):
        place = f"{files.llms}: llms.{settings.scoring.llm}.source.path"
        yield from missing(place, root, llm.source.path, Path.is_dir)


def _copy_missing(project: Project, name: str) -> Iterator[Problem]:
    """Yield that a data set which nobody offers any more is neither here nor in the copy that is named."""
    entry = project.registry.datasets.get(name)
    if entry is None or not entry.copies:
        return
    try:
        Copies(project).check(name)
    except CragruError as error:
        for problem in error.problems:
            archived = f"{entry.archived}; " if entry.archived else ""
            yield replace(problem, advice=f"{archived}{problem.advice}")


def reordered(run: Run) -> Iterator[Problem]:
    """Yield each request in turn that was served, and starts from another one by the configuration."""
    for protocol, entry in run.protocols.items():
        requests = run.requests(protocol) if entry.in_turn else []
        grid = product(requests, run.settings.datasets, run.settings.seeds)
        for request, dataset, seed in grid:
            names = {"dataset": dataset, "protocol": protocol, "seed": seed, "request": request}
            manifest = places.place(places.split_files(places.REQUEST)["manifest"], **names)
            if not Path(manifest).is_file():
                continue
            was = read_manifest(manifest)["params"].get("previous")
            if was != run.previous(protocol, request):
                what = f"{manifest} records that it was served after {was or 'no other'}"
                yield Problem(what, f"requests.files.{request}", advice=IN_ORDER)


def _crowded(project: Project, place: str, path: str) -> Iterator[Problem]:
    """Yield that a template of the run leaves no room for the candidates, whatever the LLM's tokens are."""
    scoring, lines = project.settings.scoring, least_lines(project)
    words = Template.read(located(path, place, project.root)).words
    most = most_tokens(project)
    if scoring.llm is not None and lines <= most < words + lines:
        what = f"{path} has {words} words, and the candidates take {lines} tokens at least"
        advice = f"take more tokens, fewer candidates, or a template that leaves room in {most:g}"
        yield Problem(what, "scoring.tokens", scoring.tokens, advice=advice)


def missing(place: str, root: Path, path: str, is_right: Look = Path.is_file) -> Iterator[Problem]:
    """Yield what is wrong with a path that the key `place` gives: nothing is there, or what `is_right` refuses."""
    found = located(path, place, root)
    try:
        if is_right(found):
            return
        beside = sorted(filter(is_right, found.parent.glob(f"*{found.suffix}")))[:MOST_SHOWN]
    except (OSError, ValueError):  # a name too long, or one that `glob` takes for a pattern
        beside = []
    names = [str(Path(path).with_name(file.name)) for file in beside]
    what = "no such file or folder"
    yield Problem(what, place, path, names, f"name one that is there{rule_for(path)}")


def _among_results(place: str, root: Path, path: str) -> Iterator[Problem]:
    """Yield a file of a person that lies where jobs write and delete."""
    if Path(os.path.realpath(located(path, place, root))).is_relative_to(os.path.realpath(RESULTS)):
        yield Problem(f"lies in {RESULTS}/", place, path, advice="move it elsewhere")


def _unreadable(place: str, root: Path, path: str, read: Look) -> list[Problem]:
    """Return what is wrong with a file that is not there, or that `read` refuses."""
    problems = list(missing(place, root, path))
    if not problems:
        try:
            read(located(path, place, root))
        except CragruError as error:
            problems += error.within(place).problems
    return problems
