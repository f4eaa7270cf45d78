"""Configurations that cannot run or mean nothing are refused before anything runs: key, value, what is allowed."""

import json
import os
import re

import pytest
from configuration import DELETE, ROOT, copy_beside, load_changed

from cragru.config.base import load_yaml
from cragru.core.errors import NOTHING, CragruError
from cragru.plan.loading import load_project
from cragru.plan.targets import rule_names
from tests.refusals import refused

NAN, INF = float("nan"), float("inf")
PARAMS, TABLES = "config/params.yaml: ", "config/tables.yaml: "
DATA, LLMS, FIGURES = "config/datasets.yaml: ", "config/llms.yaml: ", "config/figures.yaml: "
ENTRY, SISA = "datasets/datasets/ml-1m", "params/methods/sisa-users"
PLACE, HERE = object(), object()  # of the key that is changed, and the value that it gets
TABLE = {"kind": "datasets", "label": "a", "caption": "a"}


@pytest.fixture
def told(shipped, tmp_path):
    """What is said of the shipped configuration with changes: the error."""

    def load(changes):
        with pytest.raises(CragruError) as caught:
            load_changed(shipped, tmp_path, changes)
        assert "\n" not in str(caught.value)
        return caught.value

    return load


def place_of(key):
    """What errors call a key of a file."""
    file, *steps = key.split("/")
    name = "config" if file == "config" else f"config/{file}.yaml"
    return f"{name}: {'.'.join(steps)}"


REFUSED = [  # a key and its value; what its problem names, where that is not this place and this value; further facts
    # numbers
    ("config/seeds", [True], "config: seeds.0", True),
    ("config/seeds", ["1"], "config: seeds.0", "1", "quotes"),
    ("config/seeds", [1.5], "config: seeds.0", 1.5),
    ("config/scoring/chunk", True),
    ("config/scoring/show_ratings", "yes"),
    ("config/scoring/jobs", 10**9),
    ("config/requests/one_user", 10**9),
    ("params/methods/ifru/options/damping", NAN),
    (
        "params/methods/ifru/overrides",
        {"*/bpr": {"damping": INF}},
        PARAMS + "methods.ifru.overrides.*/bpr.damping",
        INF,
    ),
    ("llms/llms/smollm2-135m/engine/cache_gib", INF),
    ("llms/llms/smollm2-135m/engine/context", 10**9),
    ("protocols/protocols/paper/forget/fraction", NAN),
    # shards, requests and cohorts that are more than users
    (f"{SISA}/options/shards", 0),
    (f"{SISA}/options/shards", 944, PLACE, 944, "ml-100k", "943"),
    (
        f"{SISA}/overrides",
        {"ml-1m/*": {"shards": 6041}},
        PARAMS + "methods.sisa-users.options.shards",
        6041,
        "ml-1m",
        "6040",
    ),
    (
        f"{SISA}/overrides",
        {"ml-1m/*": {"shards": 0}},
        PARAMS + "methods.sisa-users.overrides.ml-1m/*.shards",
        0,
    ),
    (
        f"{SISA}/overrides",
        {"ml-1m/*": {}},
        PARAMS + "methods.sisa-users.overrides.ml-1m/*",
        NOTHING,
    ),
    ("config/requests/one_user", 944, "requests.one_user", 944, "ml-100k", "943"),
    ("config/scoring/cohorts/pilot", 944, "scoring.cohorts.pilot", 944, "943"),
    # plug-ins
    (f"{SISA}/partition", DELETE, PLACE, None, "random-users"),
    ("params/methods/ifru/reads", ["original"], PLACE, NOTHING, "forget", "cragru.unlearning.ifru"),
    ("params/partitions/bekm/reads", DELETE, PLACE, NOTHING, "original"),
    ("params/strategies/attention/options/heads", 5, PLACE, 5, "'bpr'", "64"),
    ("params/methods/ifru/reads", ["original", "forget", "forget"], PLACE, ["forget"]),
    ("llms/llms/local-server/module", "cragru.llm.engines"),
    ("llms/llms/local-server/module", "cragru.llm.nothing"),
    (f"{ENTRY}/sources/0/module", "cragru.backbones.bpr"),
    # tables and figures
    ("tables/tables/claims/cutoff", 7, PLACE, [7], "20"),
    ("tables/tables/table2/cutoffs", [5, 5], PLACE, [5]),
    ("tables/tables/table2/tested", "yes", PLACE, "yes"),
    ("tables/tables/table2/replicate", "retrain", PLACE, "replicate", "tested"),
    ("config/trainings", 1, PLACE, 1),
    ("figures/figures/figure4/rivals", ["retrain", "retrain"], PLACE, ["retrain"]),
    ("tables/tables/all", TABLE, PLACE, "all"),
    ("tables/tables/table1-differences", TABLE, PLACE, "table1-differences"),
    ("tables/tables/figure3", TABLE, FIGURES + "figures.figure3", "figure3"),
    ("tables/tables/table3/label", "tab:utility", PLACE, "tab:utility", "table2"),
    (
        "config/retrieval/candidates_of",
        ["retrain"],
        "retrieval.candidates_of",
        NOTHING,
        "'original'",
        "claims",
    ),
    ("config/methods", ["scif"], "methods", NOTHING, "'retrain'"),
    ("params/methods/retrain", DELETE, PARAMS + "methods", NOTHING, "'retrain'"),
    ("config/scoring/llm", "none", "scoring.llm", "none", "llama-3.1-8b-instruct", "null"),
    ("config/scoring/tokens", 4096, "scoring.tokens", 4096, "smollm2-135m"),
    ("config/retrieval/candidates", 400, "retrieval.candidates", 400, "1024"),
    ("config/scoring/tokens", 200, "scoring.tokens", 200, "movielens.txt has 159 words"),
    # names
    ("config/run", "x" * 300),
    ("config/run", ".."),
    ("config/run", " "),
    ("config/run", "-a"),
    ("config/run", "{a}"),
    ("config/run", 2024, PLACE, 2024, "quotes"),
    ("config/run", "llm"),
    ("protocols/protocols/prepared", {}, PLACE, "prepared"),
    # labels and captions
    ("params/backbones/bpr/label", ""),
    ("params/backbones/bpr/label", "  "),
    ("params/backbones/bpr/label", " BPR"),
    ("params/backbones/bpr/label", "B\nPR", PLACE, "B\nPR", "U+000A"),
    ("params/backbones/bpr/label", "B\u202ePR", PLACE, "B\u202ePR", "U+202E"),
    ("params/backbones/bpr/label", "BPR\u200d", PLACE, "BPR\u200d", "U+200D"),
    ("params/backbones/bpr/label", "B\u200d\u200dPR", PLACE, "B\u200d\u200dPR", "U+200D"),
    ("params/backbones/lightgcn/label", "B\u200dPR", PLACE, "B\u200dPR", "bpr.label"),
    ("params/backbones/bpr/label", "=A1"),
    ("params/backbones/bpr/label", "_x"),
    ("params/backbones/bpr/label", "Mean"),
    ("params/methods/scif/label", "CRAGRU"),
    ("params/methods/scif/label", "CRAGRU, shuffled"),
    ("params/methods/scif/label", "Candidates, no LLM"),
    ("params/methods/scif/label", "Original"),
    ("params/methods/scif/label", "Retrain, again"),
    ("params/methods/scif/label", "retrain", PLACE, "retrain", "methods.retrain.label"),
    ("params/methods/scif/label", "SISA, candidates of ours"),
    ("params/methods/scif/paper", "CRAGRU"),
    ("params/methods/scif/paper", "Original"),
    ("params/strategies/random/label", "shuffled"),
    ("params/strategies/random/label", "Original"),
    ("params/strategies/random/label", "Retrain", PLACE, "Retrain", "methods.retrain.label"),
    ("tables/tables/table1/label", "tab:time_100%"),
    ("tables/tables/table1/label", "a}b"),
    ("tables/tables/table1/caption", "One.\n\nTwo."),
    ("tables/tables/table1/caption", "a\x07b", PLACE, "a\x07b", "U+0007"),
    ("tables/tables/table1/caption", "..."),
    # files
    ("tables/tables/table1/paper", "config/paper/table9.csv"),
    (f"{ENTRY}/prompt", "config/prompts/movielense.txt", PLACE, HERE, "movielens.txt"),
    (f"{ENTRY}/prompt", "config/prompts"),
    ("config/requests/files", {"spring": "no.csv"}, "requests.files.spring", "no.csv"),
    ("config/requests/files", {"spring": "x" * 300}, "requests.files.spring", "x" * 300),
    (
        "config/requests/files",
        {"spring": "a\0b"},
        "config: requests.files.spring",
        "a\0b",
        "U+0000",
    ),
    ("config/requests/files", {"bpr": "README.md"}, "requests.files.bpr", NOTHING),
    ("config/files/params", "config/parms.yaml", "files.params", HERE, "config/params.yaml"),
    ("config/data_dir", "nowhere/at/all", "data_dir"),
    (
        "config/scoring/llm",
        "local-folder",
        LLMS + "llms.local-folder.source.path",
        "models/my-model",
    ),
    ("config/requests/files", {"spring": "a{b}.csv"}, "config: requests.files.spring", "a{b}.csv"),
    ("tables/tables/table1/paper", "{x}.csv"),
    # a data set of one's own that is not there, is a folder, or lies where jobs write
    *(
        (
            "datasets/datasets/ml-100k",
            {"title": "M", "version": "1", "licence": "own", "sources": [OWN | {"path": path}]},
            f"{DATA}datasets.ml-100k.sources.0.members",
            f"{path}/{file}",
        )
        for path, file in (("nowhere", "LICENSE"), ("results", "README.md"), (".", "docs"))
        for OWN in [{"kind": "file", "module": "cragru.data.movielens_1m", "members": {file: None}}]
    ),
    # members that climb out of their archive
    *(
        (
            f"{ENTRY}/sources/0/members",
            {member: "0" * 64},
            f"{DATA}datasets.ml-1m.sources.0.members.{member}",
            member,
        )
        for member in ("../x", "/x", "a/../../x", "a\\..\\x", "C:/x", "./x", "a//x", "x/")
    ),
    (f"{ENTRY}/folder", ".."),
    (f"{ENTRY}/archive", "a/b"),
]


def test_a_pipe_is_not_named_as_what_it_should_be(told, tmp_path):
    os.mkfifo(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("user,item\n")
    error = told({"config/requests/files": {"spring": str(tmp_path / "a.csv")}})
    (problem,) = [one for one in error.problems if one.place == "requests.files.spring"]
    assert problem.allowed == [str(tmp_path / "b.csv")]


@pytest.mark.parametrize(
    ("key", "value", "named"), [(key, value, named) for key, value, *named in REFUSED]
)
def test_refused(told, monkeypatch, key, value, named):
    monkeypatch.delenv("CRAGRU_DATA_DIR", raising=False)
    place, got, *facts = [*named, *(PLACE, HERE)[len(named) :]]
    place, got = (place_of(key) if place is PLACE else place), (value if got is HERE else got)
    error = told({key: value})
    own = [
        problem
        for problem in error.problems
        if (problem.place, repr(problem.got)) == (place, repr(got))
    ]
    assert own, str(error)
    assert all(any(fact in str(problem) for problem in own) for fact in facts), str(error)


def test_a_data_set_that_nobody_offers_any_more(told, monkeypatch, tmp_path):
    """The line names who keeps it; nothing has run yet."""
    monkeypatch.delenv("CRAGRU_DATA_DIR", raising=False)
    without = {"config/datasets": ["netflix"]}
    (problem,) = told(without).problems
    assert str(problem) == (
        'netflix: no copy is named; the Internet Archive and Kaggle keep it as "Netflix Prize data set"; '
        "let CRAGRU_DATA_DIR or data_dir name a folder with movie_titles.csv and combined_data_*.txt "
        "or movie_titles.* and training_set/mv_*.txt or movie_titles.* and training_set.tar"
    )
    monkeypatch.setenv("CRAGRU_DATA_DIR", str(tmp_path))
    (problem,) = told(without).problems
    assert problem.what == "the copy has not all files of netflix"


def test_a_template_that_is_none(told, tmp_path):
    path = "config/paper/table1.csv"
    said = str(told({f"{ENTRY}/prompt": path}))
    assert "datasets.ml-1m.prompt:" in said
    assert str(tmp_path / path) in said
    assert "{history_movi" in said


@pytest.mark.parametrize("text", ["{history_movies} {candidate_list", "{history_movies}", ""])
def test_a_template_without_an_end(told, tmp_path, text):
    (tmp_path / "config/prompts").mkdir(parents=True)
    (tmp_path / "cut.txt").write_text(text)
    missing = "{candidate_list}" if text else "{history_movies}"
    place = f"{DATA}datasets.ml-1m.prompt: {tmp_path}/cut.txt: {missing}"
    error = told({f"{ENTRY}/prompt": "cut.txt"})
    assert [(problem.place, problem.got) for problem in error.problems] == [(place, 0)]


def test_a_template_that_leaves_no_room_for_the_candidates(told, tmp_path):
    """Twenty lines take 80 tokens at least; the words of the run's template are counted, no others."""
    (tmp_path / "long.txt").write_text("word " * 1000 + "{history_movies} {candidate_list}")
    changes = {"datasets/datasets/ml-100k/prompt": "long.txt"}
    error = told(changes)
    assert [(problem.place, problem.got) for problem in error.problems] == [
        ("scoring.tokens", 1024)
    ]
    without = changes | {"config/scoring/tokens": None}
    assert told(without | {"llms/llms/smollm2-135m/engine/context": 1200}).problems


def test_problems_of_all_files_are_told_at_once(told):
    error = told(
        {
            "config/run": "a/b",
            "params/methods/scif/label": "",
            "tables/tables/table1/kind": "no",
            "figures/figures/figure4/mask": "C",
            "llms/llms/smollm2-135m/engine/context": 0,
            "datasets/datasets/ml-1m/archive": "..",
            "protocols/protocols/paper/ratios": [1],
        }
    )
    files = [problem.place.partition(": ")[0] for problem in error.problems]
    names = ("params", "tables", "figures", "llms", "datasets", "protocols")
    assert set(files) == {"config", *(f"config/{name}.yaml" for name in names)}


def test_problems_across_files_are_told_at_once(told):
    error = told(
        {
            "config/methods": ["retrian"],
            "params/methods/scif/label": "CRAGRU",
            "tables/tables/claims/cutoff": 7,
            f"{SISA}/options/shards": 0,
            "tables/tables/table1/paper": "no.csv",
        }
    )
    for part in ("retrian", "'CRAGRU'", "claims.cutoff", "options.shards", "table1.paper"):
        assert part in str(error)


def test_a_caption_may_be_written_on_several_lines(shipped, tmp_path):
    caption = "One\n  line,  then\nanother.\n"
    project = load_changed(shipped, tmp_path, {"tables/tables/table1/caption": caption})
    assert project.tables.tables["table1"].caption == "One line, then another."


def test_users_are_known_once_they_are_prepared(shipped, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "results/ml-100k/prepared/statistics.json"
    path.parent.mkdir(parents=True)
    shards = {f"{SISA}/options/shards": 40}
    unknown = {"datasets/datasets/ml-100k/users": DELETE}
    load_changed(shipped, tmp_path, shards | unknown)
    path.write_text(json.dumps({"users": 39}))
    with refused(place=PARAMS + "methods.sisa-users.options.shards", got=40) as caught:
        load_changed(shipped, tmp_path, shards | unknown)
    assert {"ml-100k", "39"} <= set(caught.value.problems[0].what.split())
    with refused(place=DATA + "datasets.ml-100k.users", got=943) as caught:
        load_changed(shipped, tmp_path)
    assert "39" in caught.value.problems[0].what


def test_a_job_elsewhere_needs_no_files_that_only_the_first_process_sees(shipped, tmp_path):
    copy_beside(tmp_path)
    config = load_yaml(ROOT / "config/config.yaml") | {"data_dir": "not/on/this/machine"}
    assert load_project(config, ROOT, is_main=False).settings.data_dir == "not/on/this/machine"


def test_names_of_rules_are_all_known():
    found = set()
    for path in (ROOT / "Snakefile", *(ROOT / "workflow/rules").glob("*.smk")):
        text = path.read_text()
        found |= set(re.findall(r"^rule (\w+):", text, re.M)) | set(
            re.findall(r"^use rule \w+ as (\w+) with:", text, re.M)
        )
    assert found == rule_names()
    assert {
        "all",
        "audit",
        "differences",
        "unlearn_request_shards",
        "search_damping",
        "search_tuning",
        "tuning",
    } <= found
    assert len(found) == 63
