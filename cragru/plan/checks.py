"""What must hold across the files of a configuration, and for the run: all of it before anything runs."""

import json
from collections.abc import Iterator
from itertools import product
from math import inf
from pathlib import Path
from typing import Any

from cragru.config.models import Scoring
from cragru.core.errors import Problem
from cragru.core.names import ENCODER, LABELS, LIKELIHOOD, LISTWISE, ORIGINAL, RETRAIN
from cragru.plan import places
from cragru.plan.cells import TABLE_STRATEGY
from cragru.plan.labels import wrong_labels
from cragru.plan.project import Project
from cragru.plan.run import Run
from cragru.plan.tables.base import lacks, unknown_names, wrong_form
from cragru.plan.targets import rule_names
from cragru.plan.training import FURTHER
from cragru.plan.variants import bases

NAME_ONE = "name one, or do not show this"
TESTS_ENDING = "-differences"  # of a table's tests, which are a file beside it
# fewest tokens of a candidate's line in a prompt: dash, id or letter, title, end
LEAST_LINE = {LISTWISE: 4, LABELS: 4, LIKELIHOOD: 3, ENCODER: 0}
# of its score in the longest answer, `"1":100,`, as `cragru.llm.answers` counts it; other forms' answers have one token
LEAST_ANSWER = {LISTWISE: 8}


def wrong_project(project: Project) -> Iterator[Problem]:
    """Yield everything that is wrong with a run."""
    yield from _unknown_names(project)
    yield from _missing_names(project)
    yield from wrong_labels(project)
    yield from _wrong_entries(project)
    yield from _wrong_run(project)
    yield from _wrong_requests(project)
    yield from _wrong_forms(project)
    yield from _wrong_prompts(project)
    yield from _too_large(project)


def _unknown_names(project: Project) -> Iterator[Problem]:
    """Yield what a run names and the file, or key, for it does not define."""
    settings, files, params = project.settings, project.settings.files, project.params
    scoring, retrieval = settings.scoring, settings.retrieval
    llm = [scoring.llm] if scoring.llm else []
    models = [ORIGINAL, *settings.methods]
    needs_llm = any(entry.needs_llm for entry in project.shown.values())
    backbones = settings.backbones if needs_llm else params.backbones
    strategies = bases(params.strategies)
    for place, names, known, file in (
        ("datasets", settings.datasets, project.registry.datasets, files.datasets),
        ("backbones", bases(settings.backbones), bases(params.backbones), files.params),
        ("methods", bases(settings.methods), bases(params.methods), files.params),
        ("tables", settings.tables, project.tables.tables, files.tables),
        ("figures", settings.figures, project.figures.figures, files.figures),
        ("retrieval.strategies", bases(retrieval.strategies), strategies, files.params),
        ("retrieval.candidates_of", retrieval.candidates_of, models, "methods"),
        ("scoring.compare_on", scoring.compare_on, backbones, "backbones"),
        ("scoring.llm", llm, project.llms.llms, f"{files.llms}; null: no LLM"),
    ):
        yield from unknown_names(place, names, known, f"name one of these, or add it to {file}")


def _missing_names(run: Run) -> Iterator[Problem]:
    """Yield names that the workflow itself uses and that are not there, or are there twice."""
    params, file = run.params, run.settings.files.params
    yield from lacks(f"{file}: methods", RETRAIN, params.methods, "which others are held against")
    yield from lacks(f"{file}: strategies", TABLE_STRATEGY, params.strategies, "of Table II")
    twice = params.backbones.keys() & run.settings.requests.files.keys()
    for name in sorted(twice):
        what = "a backbone is called so, and its folder lies beside"
        yield Problem(what, f"requests.files.{name}", advice="rename the request")


def _wrong_entries(project: Project) -> Iterator[Problem]:
    """Yield tables and figures whose name is a target already, and what is wrong with each."""
    files, tables = project.settings.files, project.tables.tables
    taken = set(rule_names())
    for section, entries in (
        (f"{files.tables}: tables", tables),
        (f"{files.figures}: figures", project.figures.figures),
    ):
        for name, entry in entries.items():
            place = f"{section}.{name}"
            if name in taken or name.endswith(TESTS_ENDING):
                what = "a rule, a table or its tests are called so"
                yield Problem(what, place, name, advice="choose another name")
            taken.add(name)
            for problem in entry.problems(project, tables):
                yield problem.under(place)


def _wrong_run(project: Project) -> Iterator[Problem]:
    """Yield what a run lacks for the tables and figures that it shows."""
    scoring = project.settings.scoring
    for name in project.settings.backbones:
        if FURTHER in name:
            what = "one of several trainings, which tables show together"
            yield Problem(what, "backbones", name, advice="leave out its option training")
    for name, entry in project.shown.items():
        if entry.needs_llm and scoring.llm is None:
            yield Problem(f"null, but {name} needs an LLM", "scoring.llm", advice=NAME_ONE)
        if entry.compares and not scoring.compare_on:
            yield Problem(f"empty, but {name} compares", "scoring.compare_on", advice=NAME_ONE)
        yield from entry.run_problems(project, project.tables.tables, name)


def _wrong_requests(run: Run) -> Iterator[Problem]:
    """Yield a protocol that does not serve requests from files."""
    known = [name for name, one in run.protocols.items() if one.forget.kind == "file"]
    protocol = run.settings.requests.protocol
    if protocol not in known:
        what = "no protocol of requests from files"
        yield Problem(what, "requests.protocol", protocol, known)


def forms_of(scoring: Scoring) -> dict[str, str]:
    """Return the forms that a run scores in, by the keys that name them."""
    named = {"scoring.form": scoring.form, "scoring.compare_form": scoring.compare_form}
    return {place: form for place, form in named.items() if form is not None}


def _wrong_forms(run: Run) -> Iterator[Problem]:
    """Yield forms of scoring that the run's LLM cannot answer in, or that its candidates are too many for."""
    scoring = run.settings.scoring
    for place, form in forms_of(scoring).items():
        yield from wrong_form(run, place, scoring.llm, form)


def _wrong_prompts(run: Run) -> Iterator[Problem]:
    """Yield candidates and scores that do not fit into what the run's LLM holds, whatever the items are called."""
    scoring, context = run.settings.scoring, _context(run)
    if scoring.tokens and scoring.tokens >= context:
        what = f"{scoring.llm} holds {context} with the answer"
        yield Problem(what, "scoring.tokens", scoring.tokens, advice="take fewer, or null")
    if least_lines(run) > most_tokens(run):
        most, wanted = min(scoring.tokens or context, context), run.settings.retrieval.candidates
        what = f"their lines do not fit into {most} tokens of a prompt, or {context} with scores"
        yield Problem(what, "retrieval.candidates", wanted, advice="take fewer, or more tokens")


def least_lines(run: Run) -> int:
    """Return the fewest tokens that the candidates' lines take in a prompt."""
    line = max(LEAST_LINE[form] for form in forms_of(run.settings.scoring).values())
    return run.settings.retrieval.candidates * line


def most_tokens(run: Run) -> float:
    """Return the most tokens of a prompt: what is configured, or the context leaves beside the shortest scores."""
    answer = max(LEAST_ANSWER.get(form, 0) for form in forms_of(run.settings.scoring).values())
    room = _context(run) - run.settings.retrieval.candidates * answer
    return min(run.settings.scoring.tokens or room, room)


def _context(run: Run) -> float:
    llm = run.llms.llms.get(run.settings.scoring.llm)
    return llm.engine.context if llm else inf


def _too_large(run: Run) -> Iterator[Problem]:
    """Yield numbers of shards, requests and users that are more than there are users, where these are known."""
    users = {}
    for name, entry in run.registry.datasets.items():
        prepared = _prepared_users(name, entry.keep.rules)
        users[name] = entry.known_users or prepared or inf
        if prepared and prepared != users[name]:
            place = f"{run.settings.files.datasets}: datasets.{name}.users"
            yield Problem(f"{prepared} were prepared", place, entry.users, advice="mend it")
    for place, count, dataset in _numbers(run):
        most = users.get(dataset, inf)
        if isinstance(count, int) and count > most:
            yield Problem(f"{dataset} has {most} users", place, count, advice="take fewer")


def _prepared_users(dataset: str, keep: dict[str, Any]) -> int | None:
    """Return how many users were prepared; None where nothing was so, or the file is damaged, which its readers tell.

    Args:
        dataset: The data set.
        keep: Which of its rows are kept now: what was prepared of other rows will be made anew.
    """
    path = Path(places.place(places.STATISTICS, dataset=dataset))
    try:
        statistics = json.loads(path.read_bytes())
        return int(statistics["users"]) if statistics.get("keep", {}) == keep else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _numbers(run: Run) -> Iterator[tuple[str, Any, str]]:
    """Yield numbers that must not be more than a data set's users: key, value and data set."""
    settings, params, registry = run.settings, run.params, run.registry.datasets
    known = {name: registry[name].known_users for name in settings.datasets if name in registry}
    for dataset in known:  # no user is drawn twice
        yield "requests.one_user", settings.requests.one_user, dataset
    if known and None not in known.values():  # else, a job takes those who are there
        cohort = settings.scoring.cohort
        largest = max(known, key=known.get)
        yield f"scoring.cohorts.{cohort}", settings.scoring.cohorts[cohort], largest
    grid = product(params.methods.items(), registry, params.backbones)
    for (name, entry), dataset, backbone in grid:
        place = f"{settings.files.params}: methods.{name}.options.shards"
        yield place, entry.options_in(dataset, backbone).get("shards"), dataset
