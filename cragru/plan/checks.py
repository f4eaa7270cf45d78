"""What must hold across the files of a configuration, and for the run: all of it before anything runs."""

from collections.abc import Iterator

from cragru.core.errors import Problem
from cragru.core.names import ORIGINAL, RETRAIN
from cragru.plan.cells import TABLE_STRATEGY
from cragru.plan.labels import wrong_labels
from cragru.plan.project import Project
from cragru.plan.run import Run
from cragru.plan.sizes import too_large
from cragru.plan.tables.base import Shown, lacks, unknown_names
from cragru.plan.targets import rule_names

TESTS_ENDING = "-differences"  # of a table's tests, which are a file beside it
LEAST_LINE = 4  # tokens of a candidate's line in a prompt: dash, id, title, end
# of its score in the longest answer, `"1":100,`, as `cragru.llm.answers` counts it
LEAST_ANSWER = 8


def wrong_project(project: Project) -> Iterator[Problem]:
    """Yield everything that is wrong with a run."""
    entries = list(_entries(project))
    yield from _unknown_names(project)
    yield from _missing_names(project)
    yield from wrong_labels(project, project.tables.tables)
    yield from _wrong_targets(entries)
    for place, _, entry in entries:
        for problem in entry.problems(project, project.tables.tables):
            yield problem.under(place)
    yield from _wrong_run(project, [one for one in entries if one[1] in project.shown])
    yield from _wrong_prompts(project)
    yield from too_large(project)


def _entries(project: Project) -> Iterator[tuple[str, str, Shown]]:
    """Yield every table and figure: where it is defined, its name and its entry."""
    files = project.settings.files
    for name, table in project.tables.tables.items():
        yield f"{files.tables}: tables.{name}", name, table
    for name, figure in project.figures.figures.items():
        yield f"{files.figures}: figures.{name}", name, figure


def _unknown_names(project: Project) -> Iterator[Problem]:
    """Yield what a run names and the file for it does not define."""
    settings, files, params = project.settings, project.settings.files, project.params
    llm, strategies = settings.scoring.llm, settings.retrieval.strategies
    for place, names, known, file in (
        ("datasets", settings.datasets, project.registry.datasets, files.datasets),
        ("backbones", settings.backbones, params.backbones, files.params),
        ("methods", settings.methods, params.methods, files.params),
        ("tables", settings.tables, project.tables.tables, files.tables),
        ("figures", settings.figures, project.figures.figures, files.figures),
        ("retrieval.strategies", strategies, params.strategies, files.params),
        ("scoring.llm", [llm] if llm else [], project.llms.llms, f"{files.llms}; null: no LLM"),
    ):
        yield from unknown_names(place, names, known, f"name one of these, or define it in {file}")


def _missing_names(run: Run) -> Iterator[Problem]:
    """Yield names that the workflow itself uses and that are not there, or are of something else."""
    params, file = run.params, run.settings.files.params
    if ORIGINAL in params.methods:
        what = "the model before any request is called so"
        yield Problem(what, f"{file}: methods.{ORIGINAL}", advice="rename it")
    yield from lacks(f"{file}: methods", RETRAIN, params.methods, "which others are held against")
    yield from lacks(
        f"{file}: strategies", TABLE_STRATEGY, params.strategies, "which Table II shows"
    )
    for name in sorted(params.backbones.keys() & run.settings.requests.files.keys()):
        what = "a backbone is called so, and its folder lies beside"
        yield Problem(what, f"requests.files.{name}", advice="rename the request")


def _wrong_targets(entries: list[tuple[str, str, Shown]]) -> Iterator[Problem]:
    """Yield tables and figures whose name is a target already."""
    taken = set(rule_names())
    for place, name, _ in entries:
        if name in taken or name.endswith(TESTS_ENDING):
            what = "a rule, a table or its tests are called so"
            yield Problem(what, place, name, advice="choose another name")
        taken.add(name)


def _wrong_run(project: Project, shown: list[tuple[str, str, Shown]]) -> Iterator[Problem]:
    """Yield what a run lacks for the tables and figures that it shows."""
    scoring, methods = project.settings.scoring, project.settings.methods
    needing = ", ".join(name for _, name, entry in shown if entry.needs_llm)
    if scoring.llm is None and needing:
        what = f"null, but {needing} need an LLM"
        yield Problem(what, "scoring.llm", advice="name one, or leave these out")
    comparing = ", ".join(name for _, name, entry in shown if entry.compares)
    if comparing and not scoring.compare_on:
        what = f"empty, but {comparing} compares strategies"
        yield Problem(what, "scoring.compare_on", advice="name a backbone")
    known = project.settings.backbones if needing else project.params.backbones
    yield from unknown_names("scoring.compare_on", scoring.compare_on, known)
    if RETRAIN in project.settings.retrieval.candidates_of and RETRAIN not in methods:
        place, advice = "retrieval.candidates_of", "add it there, or take original alone"
        yield Problem("the key methods lacks it", place, RETRAIN, advice=advice)
    for place, name, entry in shown:
        yield from entry.run_problems(project, name)
        for problem in entry.entry_problems(project.tables.tables):
            yield problem.under(place)


def _wrong_prompts(run: Run) -> Iterator[Problem]:
    """Yield candidates and scores that do not fit into what the run's LLM holds, whatever the items are called."""
    scoring, wanted = run.settings.scoring, run.settings.retrieval.candidates
    if scoring.llm not in run.llms.llms:
        return
    context, tokens = run.llms.llms[scoring.llm].engine.context, scoring.tokens
    if tokens and tokens >= context:
        what, advice = f"{scoring.llm} holds {context} with the answer", "take fewer, or null"
        yield Problem(what, "scoring.tokens", tokens, advice=advice)
    most = min(tokens or context, context)
    if wanted * LEAST_LINE > most or wanted * (LEAST_LINE + LEAST_ANSWER) > context:
        what = f"their lines do not fit into {most} tokens of a prompt, or {context} with scores"
        yield Problem(what, "retrieval.candidates", wanted, advice="take fewer, or more tokens")
