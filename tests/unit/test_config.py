import re

import pytest
from configuration import DELETE, FILES, changed

from cragru.config.base import Frozen, load_yaml, parse
from cragru.config.models import Forget, Protocol, Settings
from cragru.core.errors import CragruError
from cragru.plan.tables import Tables


def problems(model, data):
    """What is wrong with `data`: one line, without the file's name that it starts with."""
    with pytest.raises(CragruError) as caught:
        parse(model, data, "file.yaml")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("file.yaml: ")
    return message.removeprefix("file.yaml: ")


# --- one file: keys

TABLE1 = "allowed: caption, kind, label, paper)"
TABLE2 = (
    "allowed: caption, cutoffs, kind, label, least_users, mask, panel, paper, protocol, replicate)"
)
COST, FIGURE = (
    "allowed: caption, kind, label, protocol)",
    "allowed: caption, cutoffs, kind, mask, protocol, rivals)",
)
URL, WHEEL = ("allowed: kind, members, module, name, " + last for last in ("url)", "requirement)"))
UNKNOWN = [
    ("config", "sead", "did you mean 'seeds'? allowed: backbones, data_dir, "),
    ("config", "requests/one_usr", "did you mean 'one_user'? allowed: files, one_user)"),
    ("config", "files/zzz", "allowed: datasets, figures, llms, params, protocols, tables)"),
    (
        "config",
        "scoring/cohrt",
        "did you mean 'cohort'? allowed: batch, chunk, cohort, cohorts, compare_on, jobs, llm, ",
    ),
    (
        "params",
        "backbones/bpr/option",
        "did you mean 'options'? allowed: label, module, options, overrides)",
    ),
    (
        "protocols",
        "protocols/paper/forget/fractoin",
        "did you mean 'fraction'? allowed: fraction, kind)",
    ),
    ("tables", "tables/table1/captoin", f"did you mean 'caption'? {TABLE1}"),
    ("tables", "tables/table1/cutoffs", TABLE1),
    ("tables", "tables/cragru-cost/cutoffs", COST),
    ("figures", "figures/figure4/cutofs", f"did you mean 'cutoffs'? {FIGURE}"),
    ("figures", "figures/figure4/panel", FIGURE),
    (
        "llms",
        "llms/smollm2-135m/lable",
        "did you mean 'label'? allowed: engine, label, module, source)",
    ),
    (
        "params",
        "strategies/none/hole",
        "did you mean 'whole'? allowed: label, module, options, whole)",
    ),
    ("tables", "tables/table2/cutofs", f"did you mean 'cutoffs'? {TABLE2}"),
    ("datasets", "datasets/ml-100k/sources/0/urll", f"did you mean 'url'? {URL}"),
    ("datasets", "datasets/ml-100k/sources/1/requirements", f"did you mean 'requirement'? {WHEEL}"),
    ("datasets", "datasets/ml-100k/sources/1/url", WHEEL),
]


@pytest.mark.parametrize(("file", "key", "hint"), UNKNOWN)
def test_unknown_key_is_met_with_the_nearest_of_its_own_section(shipped, file, key, hint):
    told = problems(FILES[file][1], changed(shipped[file], {key: 1}))
    assert told.startswith(f"{key.replace('/', '.')}: unknown key ({hint}")


def test_several_problems_are_told_at_once(shipped):
    wrong = {
        "sead": 1,
        "requests/one_usr": 2,
        "run": DELETE,
        "requests/files": DELETE,
        "device": "gpu",
    }
    told = problems(Settings, changed(shipped["config"], wrong)).split("; ")
    for start in ("sead: unknown", "requests.one_usr: unknown", "device: got 'gpu'"):
        assert sum(problem.startswith(start) for problem in told) == 1
    assert {"run: missing", "requests.files: missing"} < set(told)
    assert told.count("add it") == 2


MISSING = [
    "seeds",
    "requests",
    "files/params",
    "files/llms",
    "data_dir",
    "figures",
    "scoring",
    "scoring/llm",
]


@pytest.mark.parametrize("key", MISSING)
def test_missing_key(shipped, key):
    assert (
        problems(Settings, changed(shipped["config"], {key: DELETE}))
        == f"{key.replace('/', '.')}: missing; add it"
    )


def test_missing_kind_of_a_table(shipped):
    told = problems(Tables, changed(shipped["tables"], {"tables/table1/kind": DELETE}))
    assert told == "tables.table1.kind: missing; add it"


WRONG = [
    ("config", "seeds", "1", "seeds: got '1'; Input should be a valid list"),
    ("config", "seeds", [], "seeds: got []; List should have at least 1 item"),
    ("config", "seeds/0", -1, "seeds.0: got -1; Input should be greater than or equal to 0"),
    ("config", "seeds/0", "one", "seeds.0: got 'one'; Input should be a valid integer"),
    ("config", "device", "gpu", "device: got 'gpu'; Input should be 'auto', 'cpu' or 'cuda'"),
    ("config", "run", "a/b", "run: got 'a/b'; String should match pattern"),
    ("config", "data_dir", 3, "data_dir: got 3; Input should be a valid string"),
    ("config", "requests", None, "requests: got None; Input should be a valid dictionary"),
    ("config", "requests/one_user", 0, "requests.one_user: got 0; Input should be greater than 0"),
    (
        "config",
        "requests/files",
        {"a b": "x.csv"},
        "requests.files.a b: got 'a b'; String should match pattern",
    ),
    ("config", "figures", None, "figures: got None; Input should be a valid list"),
    ("config", "scoring/llm", "a/b", "scoring.llm: got 'a/b'; String should match pattern"),
    (
        "config",
        "scoring/cohorts/pilot",
        0,
        "scoring.cohorts.pilot: got 0; Input should be greater than 0",
    ),
    (
        "config",
        "scoring/cohorts",
        {"a b": 3},
        "scoring.cohorts.a b: got 'a b'; String should match pattern",
    ),
    ("config", "scoring/tokens", 0, "scoring.tokens: got 0; Input should be greater than 0"),
    (
        "config",
        "scoring/show_ratings",
        "maybe",
        "scoring.show_ratings: got 'maybe'; Input should be a valid boolean",
    ),
    ("config", "scoring/chunk", 0, "scoring.chunk: got 0; Input should be greater than 0"),
    (
        "config",
        "scoring/batch",
        "run",
        "scoring.batch: got 'run'; Input should be 'state' or 'cell'",
    ),
    ("config", "scoring/jobs", 0, "scoring.jobs: got 0; Input should be greater than 0"),
    (
        "figures",
        "figures/figure4/cutoffs",
        [],
        "figures.figure4.cutoffs: got []; List should have at least 1 item",
    ),
    (
        "params",
        "strategies/none/whole",
        "maybe",
        "strategies.none.whole: got 'maybe'; Input should be a valid boolean",
    ),
    (
        "protocols",
        "protocols/paper/forget/kind",
        "user",
        "protocols.paper.forget.kind: got 'user'; Input should be",
    ),
    (
        "protocols",
        "protocols/paper/ratios/0",
        1.5,
        "protocols.paper.ratios.0: got 1.5; Input should be less than 1",
    ),
    (
        "protocols",
        "protocols/paper/ratios",
        [0.5, 0.5],
        "protocols.paper.ratios.2: missing; add it",
    ),
    (
        "params",
        "backbones/bpr/module",
        "a-b",
        "backbones.bpr.module: got 'a-b'; String should match pattern",
    ),
    (
        "params",
        "backbones/bpr/overrides",
        {"a/b": {"epochs": None}},
        "backbones.bpr.overrides.a/b.epochs: got None; Input should be a valid number, text, true or false",
    ),
    (
        "params",
        "methods/retrain/options",
        {"n": [1]},
        "methods.retrain.options.n: got [1]; Input should be a valid",
    ),
    (
        "tables",
        "tables/table2/mask",
        "C",
        "tables.table2.mask: got 'C'; Input should be 'A' or 'B'",
    ),
    (
        "tables",
        "tables/table2/cutoffs/1",
        0,
        "tables.table2.cutoffs.1: got 0; Input should be greater than 0",
    ),
    (
        "datasets",
        "datasets/ml-1m/sources/0/url",
        "x",
        "datasets.ml-1m.sources.0.url: got 'x'; String should match",
    ),
]


@pytest.mark.parametrize(("file", "key", "value", "said"), WRONG)
def test_wrong_value_names_the_key_as_the_file_has_it(shipped, file, key, value, said):
    assert problems(FILES[file][1], changed(shipped[file], {key: value})).startswith(said)


def test_unknown_kind_is_met_with_the_known_ones(shipped):
    told = problems(Tables, changed(shipped["tables"], {"tables/table1/kind": "dataset"}))
    assert re.match(
        r"tables.table1: got .*'dataset'.*expected tags: 'bias', 'claims', 'completeness', 'datasets', 'request-cost', "
        r"'request-size', .*'unlearning-time', 'utility'$",
        told,
    )


def test_empty_file_is_no_section():
    assert problems(Tables, None).startswith("got None; Input should be a valid dictionary")


def test_unknown_key_in_a_section_that_may_be_left_out():
    class Inner(Frozen):
        word: str

    class Outer(Frozen):
        inner: Inner | None

    told = problems(Outer, {"inner": {"word": "a", "wrd": 1}})
    assert told == "inner.wrd: unknown key (did you mean 'word'? allowed: word)"


def test_long_values_are_cut_and_line_breaks_are_not_printed():
    class Section(Frozen):
        word: str

    assert problems(Section, {"word": list(range(1000))}).startswith("word: got [0, 1, 2,")
    assert len(problems(Section, {"word": list(range(1000))})) < 150
    assert (
        problems(Section, {"word": "a", "two\nlines": 1})
        == "two lines: unknown key (allowed: word)"
    )


def test_sections_are_read_only(shipped):
    forget = parse(Forget, {"kind": "file"}, "file.yaml")
    with pytest.raises(ValueError, match="frozen"):
        forget.kind = "users"


# --- one file: contradictions


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"ratios": [0.7, 0.1, 0.1]},
            "ratios: got [0.7, 0.1, 0.1] with sum 0.9; they must add up to 1",
        ),
        (
            {"order": "split-first"},
            "order: got 'split-first' for forget kind 'users'; interactions and users are",
        ),
        (
            {"forget": {"kind": "one-user"}},
            "order: got 'forget-first' for forget kind 'one-user'; interactions",
        ),
        ({"forget": {"kind": "users"}}, "forget: fraction: missing for kind 'users'"),
        (
            {"forget": {"kind": "file", "fraction": 0.1}},
            "forget: fraction: has no meaning for kind 'file'",
        ),
    ],
)
def test_protocol_that_contradicts_itself(changes, said):
    good = {
        "title": "t",
        "order": "forget-first",
        "forget": {"kind": "users", "fraction": 0.1},
        "ratios": [0.7, 0.1, 0.2],
    }
    assert parse(Protocol, good, "file.yaml").ratios == (0.7, 0.1, 0.2)
    assert problems(Protocol, {**good, **changes}).startswith(said)


@pytest.mark.parametrize("run", ["raw", "llm", "logs", "benchmarks"])
def test_reserved_run_name(shipped, run):
    told = problems(Settings, changed(shipped["config"], {"run": run}))
    assert told == f"run: got '{run}', which is a folder of results/ already; choose another name"


@pytest.mark.parametrize("key", ["datasets", "backbones", "methods", "seeds", "tables", "figures"])
def test_repeated_name(shipped, key):
    values = shipped["config"][key]
    told = problems(Settings, changed(shipped["config"], {key: [*values, values[0]]}))
    assert told == f"{key}: got [{values[0]!r}] more than once; name each once"


# --- YAML


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a: [1\nb: 2\n", "not valid YAML: .* line 2, column 2"),
        *((unreadable, "not a readable text file") for unreadable in (b"a: \xff\n", None)),
    ],
)
def test_file_that_cannot_be_read(tmp_path, content, said):
    path = tmp_path / "a.yaml"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(CragruError, match=f"^{path}: {said}") as caught:
        load_yaml(path)
    assert "\n" not in str(caught.value)
