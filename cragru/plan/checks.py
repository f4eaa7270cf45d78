"""What must hold across the files of a configuration, and for the run: all of it before anything runs."""

from collections.abc import Iterator

from cragru.core.errors import nearest
from cragru.core.names import ORIGINAL, RETRAIN
from cragru.plan.cells import TABLE_STRATEGY
from cragru.plan.labels import reserved_labels, shared_labels
from cragru.plan.project import Project
from cragru.plan.sizes import too_large
from cragru.plan.tables.base import Shown
from cragru.plan.targets import RULES

TESTS_ENDING = "-differences"  # of a table's tests, which are a file beside it
LEAST_LINE = 4  # tokens of a candidate's line in a prompt: dash, id, title, end
# of its score in the longest answer, `"1":100,`, as `cragru.llm.answers` counts it
LEAST_ANSWER = 8


def wrong_project(project: Project) -> Iterator[str]:
    """Everything that is wrong with a run, one line each."""
    for check in (
        _unknown_names,
        _missing_names,
        shared_labels,
        reserved_labels,
        _wrong_targets,
        _wrong_tables,
        _wrong_run,
        _wrong_prompts,
        too_large,
    ):
        yield from check(project)


def _unknown_names(project: Project) -> Iterator[str]:
    """What a run names must be defined in the file for it."""
    settings, files, params = project.settings, project.settings.files, project.params
    for key, wanted, known, file in (
        ("datasets", settings.datasets, project.registry.datasets, files.datasets),
        ("backbones", settings.backbones, params.backbones, files.params),
        ("methods", settings.methods, params.methods, files.params),
        ("tables", settings.tables, project.tables.tables, files.tables),
        ("figures", settings.figures, project.figures.figures, files.figures),
        ("retrieval.strategies", settings.retrieval.strategies, params.strategies, files.params),
    ):
        for name in wanted:
            if name not in known:
                yield f"{key}: unknown name {name!r} ({nearest(name, known)}; defined in {file})"
    llm, llms = settings.scoring.llm, project.llms.llms
    if llm is not None and llm not in llms:
        yield (
            f"scoring.llm: unknown name {llm!r} ({nearest(llm, llms)}; defined in {files.llms}); "
            "null leaves the LLM out"
        )


def _missing_names(project: Project) -> Iterator[str]:
    """What the workflow itself names must be there, and what it calls by other means must not."""
    params, file = project.params, project.settings.files.params
    if ORIGINAL in params.methods:
        yield f"{file}: methods.{ORIGINAL}: is the model before any request; rename it"
    if RETRAIN not in params.methods:
        yield f"{file}: methods: {RETRAIN!r} is missing, which all others are held against; add it"
    if TABLE_STRATEGY not in params.strategies:
        yield f"{file}: strategies: {TABLE_STRATEGY!r} is missing, which Table II shows; add it"
    for name in project.settings.requests.files:
        if name in params.backbones:
            yield f"requests.files.{name}: a backbone is called {name!r}, whose folder lies beside; rename the request"


def _wrong_targets(project: Project) -> Iterator[str]:
    """Tables and figures are targets by their names, which must be free."""
    tables = project.tables.tables
    for where, name, entry in _entries(project):
        if name in RULES:
            yield f"{where}: a rule is called {name!r} already; choose another name"
        if name.endswith(TESTS_ENDING):
            yield f"{where}: a table's tests end in {TESTS_ENDING!r}; choose another name"
        if name in tables and tables[name] is not entry:
            yield f"{where}: a table is called {name!r}, too; choose another name"
    first: dict[str, str] = {}
    for name, table in tables.items():
        twin = first.setdefault(table.label, name)
        if twin != name:
            file = project.settings.files.tables
            yield f"{file}: tables.{name}.label: got {table.label!r}, which {twin!r} has; give each its own"


def _wrong_tables(project: Project) -> Iterator[str]:
    """What the entries of tables and figures must hold, each by its kind."""
    for where, _, entry in _entries(project):
        for key, problem in entry.problems(project, project.tables.tables):
            yield f"{where}.{key}: {problem}"


def _entries(project: Project) -> Iterator[tuple[str, str, Shown]]:
    """Every table and figure: where it is defined, its name and its entry."""
    files = project.settings.files
    for name, table in project.tables.tables.items():
        yield f"{files.tables}: tables.{name}", name, table
    for name, figure in project.figures.figures.items():
        yield f"{files.figures}: figures.{name}", name, figure


def _wrong_run(project: Project) -> Iterator[str]:
    """What a run must have for the tables and figures that it shows."""
    settings = project.settings
    shown = [
        (where, name, entry) for where, name, entry in _entries(project) if name in project.shown
    ]
    needing = [name for _, name, entry in shown if entry.needs_llm]
    if settings.scoring.llm is None and needing:
        yield f"scoring.llm: null, but {', '.join(needing)} need an LLM; name one or leave these out"
    known, where = project.params.backbones, settings.files.params
    if needing:
        known, where = settings.backbones, "the key backbones"
    for name in settings.scoring.compare_on:
        if name not in known:
            hint = nearest(name, known)
            yield f"scoring.compare_on: unknown name {name!r} ({hint}; defined in {where})"
    comparing = [name for _, name, entry in shown if entry.compares]
    if comparing and not settings.scoring.compare_on:
        yield f"scoring.compare_on: empty, but {', '.join(comparing)} compares strategies; name a backbone"
    if RETRAIN in settings.retrieval.candidates_of and RETRAIN not in settings.methods:
        yield f"retrieval.candidates_of: got {RETRAIN!r}, which methods lacks; add it there, or take original alone"
    for where, name, entry in shown:
        for key, problem in entry.run_problems(project, name):
            yield f"{key}: {problem}"
        for key, problem in entry.entry_problems(project.tables.tables):
            yield f"{where}.{key}: {problem}"


def _wrong_prompts(project: Project) -> Iterator[str]:
    """Candidates and their scores must fit into what the run's LLM holds, whatever the items are called."""
    scoring, wanted = project.settings.scoring, project.settings.retrieval.candidates
    if scoring.llm not in project.llms.llms:
        return
    context = project.llms.llms[scoring.llm].engine.context
    if scoring.tokens is not None and scoring.tokens >= context:
        yield (
            f"scoring.tokens: got {scoring.tokens}, but {scoring.llm} holds {context} with the answer; "
            "take fewer, or null for what it leaves"
        )
    most = context if scoring.tokens is None else min(scoring.tokens, context)
    if wanted * LEAST_LINE > most or wanted * (LEAST_LINE + LEAST_ANSWER) > context:
        yield (
            f"retrieval.candidates: got {wanted}, whose lines do not fit into a prompt of {most} tokens beside the "
            f"answer (context: {context}); take fewer, or more tokens"
        )
