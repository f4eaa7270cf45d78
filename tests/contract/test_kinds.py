"""What every kind of table and figure must hold to: its rows are the one list of what is shown."""

import json
from itertools import product
from pathlib import Path

import pytest
import yaml
from snakemake.iocontainers import Wildcards

from cragru.core.errors import CragruError
from cragru.core.names import ORIGINAL
from cragru.plan.certificates import Certificates
from cragru.plan.loading import load_project
from cragru.plan.rows import cells_of, row_files
from cragru.plan.showing import Showing
from cragru.plan.tables import FIGURE_KINDS, TABLE_KINDS
from tests.refusals import refused

ROOT = Path(__file__).parents[2]
KINDS = {
    kind.model_fields["kind"].annotation.__args__[0]: kind for kind in (*TABLE_KINDS, *FIGURE_KINDS)
}
WITHOUT = "without an LLM"
SETTINGS = {
    "shipped": {},
    "wide": {
        "datasets": ["ml-100k", "ml-1m"],
        "seeds": [1, 2, 3],
        "scoring": {"compare_on": ["lightgcn", "bpr"]},
        "retrieval": {"candidates_of": ["original", "retrain"]},
        "methods": ["ifru", "retrain", "receraser-inbp", "sisa-users"],
    },
    WITHOUT: {"scoring": {"llm": None}},
}


def load(**changes):
    """The shipped project with some of the run's settings changed; sections are merged."""
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    for key, value in changes.items():
        config[key] = config[key] | value if isinstance(value, dict) else value
    return load_project(config, ROOT)


def alone(kind, **changes):
    """A run that shows the first entry of a kind, and nothing else that matters: a run has a table at least."""
    shipped = load()
    tables = [name for name, table in shipped.tables.tables.items() if table.kind == kind]
    figures = [name for name, figure in shipped.figures.figures.items() if figure.kind == kind]
    name = (tables or figures)[0]
    shown = (
        {"tables": [name], "figures": []} if tables else {"tables": ["table1"], "figures": [name]}
    )
    return name, load(**{**changes, **shown})


def entry_of(project, name):
    return {**project.tables.tables, **project.figures.figures}[name]


def wildcards_of(project, name):
    key = "table" if name in project.tables.tables else "figure"
    return Wildcards(fromdict={"run": project.settings.run, key: name})


OF_A_PROTOCOL = [kind for kind in sorted(KINDS) if "protocol" in KINDS[kind].model_fields]
NEED_LLM = [kind for kind in sorted(KINDS) if KINDS[kind].needs_llm]
RUNS = [
    (kind, run)
    for kind, run in product(sorted(KINDS), SETTINGS)
    if kind not in NEED_LLM or run != WITHOUT
]


@pytest.fixture(params=RUNS, ids=": ".join)
def shown(request):
    """The name of an entry and a run that shows it, for each kind in each of the settings that it can do with."""
    kind, settings = request.param
    return alone(kind, **SETTINGS[settings])


@pytest.mark.parametrize("kind", NEED_LLM)
def test_what_needs_an_llm_is_refused_without(kind):
    with refused(place="scoring.llm"):
        alone(kind, **SETTINGS[WITHOUT])


def test_every_kind_is_shipped():
    project = load()
    entries = [*project.tables.tables.values(), *project.figures.figures.values()]
    assert {entry.kind for entry in entries} == set(KINDS)
    assert {"datasets", "utility", "bias", "forget-remain"} <= set(KINDS)


def test_rows_are_what_its_rule_reads_and_its_maker_is_told(shown):
    name, project = shown
    showing, wildcards = Showing(project), wildcards_of(project, name)
    rows = entry_of(project, name).rows(project, project.tables.tables)
    assert rows
    inputs = showing.inputs(wildcards)
    assert inputs["rows"] == row_files(rows)
    assert set(inputs["rows"]) == {path for row in rows for path in row.files.values() if path}
    told = showing.rows(wildcards)
    assert json.loads(json.dumps(told)) == told
    for row, own in zip(rows, told, strict=True):
        expected = {**row.labels, **row.files}
        if row.seed is not None:
            expected |= {"seed": row.seed, "training": row.training, "source": row.source}
        assert own == expected


def test_a_row_says_no_label_where_it_has_a_file(shown):
    name, project = shown
    for row in entry_of(project, name).rows(project, project.tables.tables):
        assert not (set(row.labels) | {"seed", "training", "source"}) & set(row.files)
        assert not {"seed", "training", "source"} & set(row.labels)


def test_files_are_of_what_the_row_says_it_is(shown):
    """A path holds the names of the row that it stands in: its own data set, protocol, seed, request, and model."""
    name, project = shown
    entry = entry_of(project, name)
    for row in [
        *entry.rows(project, project.tables.tables),
        *entry.tested_rows(project, project.tables.tables),
    ]:
        for path in filter(None, row.files.values()):
            _, dataset, *steps = path.split("/")
            assert dataset == row.dataset
            if steps[0] == "prepared":
                continue
            protocol, seed, *rest = steps
            assert (protocol, int(seed)) == (row.protocol, row.seed)
            if rest[0] == "cohorts":
                continue
            if row.request is not None:
                assert rest.pop(0) == row.request
            if rest[0] == "split":
                continue
            own = [(row.backbone, name) for name in (row.model, "cragru" if row.source else None)]
            groups = project.training(row.backbone, 0), "groups"  # alike for all trainings
            assert tuple(rest[:2]) in [*own, groups, *row.references]
            if rest[1] == "cragru":
                assert rest[2] == row.source
                if rest[3] == "controls":
                    continue
                strategy, *history, order = rest[3 : 5 if row.request else 6]
                assert (strategy, order) == (row.cell.strategy, row.cell.order)
                of_weight = rest[-1] == "fusion.json"
                assert history in ([], ["train"] if of_weight else [row.cell.history])


def all_rows(project, name):
    """Rows of an entry, those that it tests, and those of the tables that it takes numbers from."""
    entry = entry_of(project, name)
    rows = entry.rows(project, project.tables.tables) + entry.tested_rows(
        project, project.tables.tables
    )
    for source in entry.tables().values():
        rows += all_rows(project, source)
    return rows


def test_what_an_llm_answers_follows_from_the_rows(shown):
    name, project = shown
    wanted = cells_of(all_rows(project, name))
    assert set(project.cells) == set(wanted)
    assert len(project.cells) == len(wanted)
    if project.settings.scoring.llm is None:
        assert not wanted


def test_what_certificates_speak_of_follows_from_the_rows(shown):
    name, project = shown
    certificates = Certificates(project)
    rows = all_rows(project, name)
    by_request = {}
    for row in rows:
        if row.protocol is None:
            continue
        is_single = project.protocols[row.protocol].order == "split-first"
        assert is_single == (row.request is not None)
        by_request.setdefault((row.dataset, row.protocol, row.seed, row.request), []).append(row)
    places = [[str(step) for step in request if step is not None] for request in by_request]
    root = f"results/{project.settings.run}/certificates"
    assert sorted(certificates.files()) == sorted(
        "/".join([root, *steps, "certificate.json"]) for steps in places
    )
    for (dataset, protocol, seed, request), own in by_request.items():
        names = {
            "run": project.settings.run,
            "dataset": dataset,
            "protocol": protocol,
            "seed": str(seed),
        }
        wildcards = Wildcards(fromdict=names | ({} if request is None else {"request": request}))
        shown_models = {pair for row in own for pair in row.models}
        further = set(certificates.models(wildcards)) - shown_models
        assert not shown_models - set(certificates.models(wildcards))
        assert {model for _, model in further} <= {ORIGINAL}  # where a method read it
        manifests = certificates.manifests(wildcards)
        assert len(manifests) == len(set(manifests))
        folder = "/".join(["results", dataset, protocol, str(seed)])
        for backbone, model in shown_models:
            after = folder if model == ORIGINAL or request is None else f"{folder}/{request}"
            assert f"{after}/{backbone}/{model}/manifest.json" in manifests
        proofs = {row.files.get("check") for row in own if row.request} - {None}
        assert {f"{path.removesuffix('.json')}-manifest.json" for path in proofs} <= set(manifests)
        assert set(certificates.guarantees(wildcards)) == {
            m for _, m in certificates.models(wildcards)
        } - {ORIGINAL}


@pytest.mark.parametrize("name", ["claims", "request-size"])
def test_tables_of_other_tables_bring_the_certificates_of_both(name):
    """The fault that made rows the one list: what these two show was scored apart and certified nowhere."""
    project = load(tables=[name], figures=[], requests={"one_user": 2})
    root = "results/default/certificates/ml-100k"
    certificates = Certificates(project)
    draws = [f"{root}/one-user/1/draw-{number}/certificate.json" for number in (1, 2)]
    assert sorted(certificates.files()) == [*draws, f"{root}/paper/1/certificate.json"]
    of_paper = Wildcards(
        fromdict={"run": "default", "dataset": "ml-100k", "protocol": "paper", "seed": "1"}
    )
    for backbone in ("bpr", "lightgcn"):
        scored = f"{backbone}/cragru/original/none/own/backbone/smollm2-135m/listwise/pilot"
        cell = f"results/ml-100k/paper/1/{scored}"
        manifests = certificates.manifests(of_paper)
        for file in ("prompts-manifest.json", "prompts-checked-manifest.json", "manifest.json"):
            assert f"{cell}/{file}" in manifests


@pytest.mark.parametrize("kind", OF_A_PROTOCOL)
def test_an_unknown_protocol_is_refused(kind, tmp_path):
    files = {"tables": "tables.yaml", "figures": "figures.yaml"}
    for group, file in files.items():
        content = yaml.safe_load((ROOT / "config" / file).read_text())
        for entry in content[group].values():
            if entry["kind"] == kind:
                entry["protocol"] = "papers"
        (tmp_path / file).write_text(yaml.safe_dump(content))
    with pytest.raises(CragruError) as caught:
        load(files={group: str(tmp_path / file) for group, file in files.items()})
    known = set(load().protocols)
    for problem in caught.value.problems:
        assert (problem.place.endswith(".protocol"), problem.got) == (True, "papers")
        assert problem.allowed
        assert known.issuperset(problem.allowed)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_its_maker_is_a_module_of_reporting(kind):
    maker = KINDS[kind].maker
    assert maker.startswith("cragru.reporting.")
    source = (ROOT / Path(*maker.split("."))).with_suffix(".py").read_text()
    assert "\ndef make(order: Order) ->" in source
