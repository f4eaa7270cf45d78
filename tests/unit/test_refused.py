"""Configurations that cannot run or mean nothing are refused before anything runs: key, value, what is allowed."""

import json
import re

import pytest
from configuration import DELETE, ROOT, copy_beside, load_changed

from cragru.config.base import load_yaml
from cragru.core.errors import CragruError
from cragru.plan.project import load_project
from cragru.plan.targets import RULES

NAN, INF = float("nan"), float("inf")
CONFIG, PARAMS, TABLES = "config: ", "config/params.yaml: ", "config/tables.yaml: "
DATA, LLMS, FIGURES = "config/datasets.yaml: ", "config/llms.yaml: ", "config/figures.yaml: "
ENTRY, SISA = "datasets/datasets/ml-1m", "params/methods/sisa-users"
MEMBER = "datasets.ml-1m.sources.0.url.members"


@pytest.fixture
def told(shipped, tmp_path):
    """What is said of the shipped configuration with changes, one problem each."""

    def refused(changes):
        with pytest.raises(CragruError) as caught:
            load_changed(shipped, tmp_path, changes)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    return refused


REFUSED = [
    # numbers
    ("config/seeds", [True], CONFIG + "seeds.0: got True; Input should be a valid integer"),
    (
        "config/seeds",
        ["1"],
        CONFIG + "seeds.0: got '1'; Input should be a valid integer: without quotes",
    ),
    ("config/seeds", [1.0], CONFIG + "seeds.0: got 1.0; Input should be a valid integer"),
    (
        "config/scoring/chunk",
        True,
        CONFIG + "scoring.chunk: got True; Input should be a valid integer",
    ),
    (
        "config/scoring/show_ratings",
        "yes",
        CONFIG + "scoring.show_ratings: got 'yes'; Input should be a valid boolean",
    ),
    (
        "config/scoring/jobs",
        10**9,
        CONFIG + "scoring.jobs: got 1000000000; Input should be less than or equal to",
    ),
    (
        "config/requests/one_user",
        10**9,
        CONFIG + "requests.one_user: got 1000000000; Input should be less",
    ),
    (
        "params/methods/ifru/options/damping",
        NAN,
        "config/params.yaml: methods.ifru.options.damping: got nan; Input",
    ),
    (
        "params/methods/ifru/overrides",
        {"*/bpr": {"damping": INF}},
        "overrides.*/bpr.damping: got inf; Input",
    ),
    (
        "llms/llms/smollm2-135m/engine/cache_gib",
        INF,
        "llms.smollm2-135m.engine.cache_gib: got inf; Input should be",
    ),
    (
        "llms/llms/smollm2-135m/engine/context",
        10**9,
        "engine.context: got 1000000000; Input should be less than or",
    ),
    (
        "protocols/protocols/paper/forget/fraction",
        NAN,
        "protocols.paper.forget.fraction: got nan; Input should be",
    ),
    # shards, requests and cohorts that are more than users
    (
        f"{SISA}/options/shards",
        0,
        PARAMS + "methods.sisa-users.options.shards: got 0; Input should be greater",
    ),
    (
        f"{SISA}/options/shards",
        944,
        PARAMS + "methods.sisa-users.options.shards: got 944 on ml-100k, which has 943 us",
    ),
    (
        f"{SISA}/overrides",
        {"ml-1m/*": {"shards": 6041}},
        "methods.sisa-users.options.shards: got 6041 on ml-1m, which",
    ),
    (
        f"{SISA}/overrides",
        {"ml-1m/*": {"shards": 0}},
        "methods.sisa-users.overrides.ml-1m/*.shards: got 0; Input",
    ),
    (
        f"{SISA}/overrides",
        {"ml-1m/*": {}},
        "methods.sisa-users.overrides.ml-1m/*: empty; set an option there",
    ),
    (
        "config/requests/one_user",
        944,
        "requests.one_user: got 944, but ml-100k has 943 users",
    ),
    (
        "config/scoring/cohorts/pilot",
        944,
        "scoring.cohorts.pilot: got 944, but there are 943 users; take fewer, or nu",
    ),
    # plug-ins
    (
        f"{SISA}/partition",
        DELETE,
        PARAMS + "methods.sisa-users.partition: missing, and cragru.unlearning.sisa has sha",
    ),
    (
        "params/methods/ifru/reads",
        ["original"],
        PARAMS + "methods.ifru.reads: lacks forget, which cragru.unlearning.i",
    ),
    (
        "params/partitions/bekm/reads",
        DELETE,
        PARAMS + "partitions.bekm.reads: lacks original, which cragru.unlearni",
    ),
    (
        "params/strategies/attention/options/heads",
        5,
        "heads: got 5, which does not divide the 64 dimensions of 'bpr'",
    ),
    (
        "params/methods/ifru/reads",
        ["original", "forget", "forget"],
        "reads: got ['forget'] more than once; name each",
    ),
    (
        "llms/llms/local-server/module",
        "cragru.llm.engines",
        "got 'cragru.llm.engines', which is no plug-in itself (",
    ),
    (
        "llms/llms/local-server/module",
        "cragru.llm.nothing",
        "got 'cragru.llm.nothing', which is no module of cragru (",
    ),
    (
        f"{ENTRY}/sources/0/module",
        "cragru.backbones.bpr",
        "got 'cragru.backbones.bpr', which has no function load (",
    ),
    # tables and figures
    (
        "tables/tables/claims/cutoff",
        7,
        TABLES + "tables.claims.cutoff: got [7]; allowed: 1, 3, 5, 10, 20",
    ),
    (
        "tables/tables/table2/cutoffs",
        [5, 5],
        "tables.table2.cutoffs: got [5] more than once; name each once",
    ),
    (
        "tables/tables/table2/replicate",
        "retrain",
        "replicate: got 'retrain', which is not Retrain with other random s",
    ),
    (
        "tables/tables/table4/replicate",
        "scif",
        "replicate: got 'scif', which is not Retrain with other random streams",
    ),
    (
        "params/methods/retrain-replicate/options/seed_offset",
        0,
        "replicate: got 'retrain-replicate', which is not Re",
    ),
    (
        "figures/figures/figure4/rivals",
        ["retrain", "retrain"],
        "rivals: got ['retrain'] more than once; name each on",
    ),
    (
        "tables/tables/all",
        {"kind": "datasets", "label": "a", "caption": "a"},
        "tables.all: a rule is called 'all' alr",
    ),
    (
        "tables/tables/figure3",
        {"kind": "datasets", "label": "a", "caption": "a"},
        "figures.figure3: a table is called",
    ),
    (
        "tables/tables/table3/label",
        "tab:utility",
        "tables.table3.label: got 'tab:utility', which 'table2' has; give",
    ),
    (
        "config/retrieval/candidates_of",
        ["retrain"],
        "retrieval.candidates_of: lacks 'original', whose candidates cl",
    ),
    ("config/methods", ["scif"], "methods: lacks 'retrain', which"),
    (
        "params/methods/retrain",
        DELETE,
        PARAMS + "methods: 'retrain' is missing, which all others are held against",
    ),
    ("config/scoring/llm", "none", "scoring.llm: unknown name 'none' (allowed: llama"),
    (
        "config/scoring/tokens",
        4096,
        "scoring.tokens: got 4096, but smollm2-135m holds 4096 with the answer; take fewer",
    ),
    (
        "config/retrieval/candidates",
        400,
        "retrieval.candidates: got 400, whose lines do not fit into a prompt of 1024",
    ),
    # names
    ("config/run", "x" * 300, CONFIG + "run: got 'xxxxxxxxxxx"),
    ("config/run", "..", CONFIG + "run: got '..'; String should match pattern"),
    ("config/run", " ", CONFIG + "run: got ' '; String should match pattern"),
    ("config/run", "-a", CONFIG + "run: got '-a'; String should match pattern"),
    ("config/run", "{a}", CONFIG + "run: got '{a}'; String should match pattern"),
    (
        "config/run",
        2024,
        CONFIG + "run: got 2024; Input should be a valid string: put it in quotes",
    ),
    (
        "config/run",
        "llm",
        CONFIG + "run: got 'llm', which is a folder of results/ already; choose another name",
    ),
    (
        "protocols/protocols/prepared",
        {},
        "protocols.prepared: got 'prepared', which is a folder of results/ already",
    ),
    # labels and captions
    (
        "params/backbones/bpr/label",
        "",
        "backbones.bpr.label: got ''; String should have at least 1 character",
    ),
    (
        "params/backbones/bpr/label",
        "  ",
        "backbones.bpr.label: got ' '; write at least one letter or digit",
    ),
    (
        "params/backbones/bpr/label",
        " BPR",
        "backbones.bpr.label: got ' BPR'; leave out the blanks around it",
    ),
    (
        "params/backbones/bpr/label",
        "B\nPR",
        "backbones.bpr.label: got 'B PR', which holds the character U+000A;",
    ),
    (
        "params/backbones/bpr/label",
        "B\u202ePR",
        "label: got 'B\\u202ePR', which holds the character U+202E; write it",
    ),
    (
        "params/backbones/bpr/label",
        "=A1",
        "backbones.bpr.label: got '=A1'; begin with a letter, a digit or a bracket",
    ),
    (
        "params/backbones/bpr/label",
        "_x",
        "backbones.bpr.label: got '_x'; begin with a letter, a digit or a bracket",
    ),
    (
        "params/backbones/bpr/label",
        "Mean",
        PARAMS + "backbones.bpr.label: got 'Mean', which tables call something el",
    ),
    (
        "params/methods/scif/label",
        "CRAGRU",
        PARAMS + "methods.scif.label: got 'CRAGRU', as tables call a row of CRAG",
    ),
    (
        "params/methods/scif/label",
        "CRAGRU, shuffled",
        PARAMS + "methods.scif.label: got 'CRAGRU, shuffled', as tables",
    ),
    (
        "params/methods/scif/label",
        "Candidates, no LLM",
        PARAMS + "methods.scif.label: got 'Candidates, no LLM', as t",
    ),
    (
        "params/methods/scif/label",
        "Original",
        PARAMS + "'scif' and 'original' are both called 'Original' in tables",
    ),
    (
        "params/methods/scif/label",
        "Retrain, replicate",
        PARAMS + "'scif' and 'retrain-replicate' are both called 'Re",
    ),
    (
        "params/methods/scif/label",
        "retrain",
        PARAMS + "'scif' and 'retrain' are both called 'retrain' in tables",
    ),
    (
        "params/methods/scif/paper",
        "CRAGRU",
        PARAMS + "methods.scif.paper: got 'CRAGRU', as tables call a row of CRAG",
    ),
    (
        "params/strategies/random/label",
        "shuffled",
        "strategies.random.label: got 'shuffled', which tables call somet",
    ),
    (
        "params/strategies/random/label",
        "Retrain",
        PARAMS + "'random' and 'retrain' are both called 'Retrain' in tabl",
    ),
    (
        "tables/tables/table1/label",
        "tab:time_100%",
        "tables.table1.label: got 'tab:time_100%'; String should match",
    ),
    (
        "tables/tables/table1/label",
        "a}b",
        "tables.table1.label: got 'a}b'; String should match pattern",
    ),
    (
        "tables/tables/table1/caption",
        "One.\n\nTwo.",
        "caption: got 'One. Two.', which is of several paragraphs; write",
    ),
    (
        "tables/tables/table1/caption",
        "a\x07b",
        "tables.table1.caption: got 'a\\x07b', which holds the character U+0007",
    ),
    (
        "tables/tables/table1/caption",
        "...",
        "tables.table1.caption: got '...'; write at least one letter or digit",
    ),
    # files
    (
        "tables/tables/table1/paper",
        "config/paper/table9.csv",
        "tables.table1.paper: got 'config/paper/table9.csv': no",
    ),
    (
        f"{ENTRY}/prompt",
        "config/prompts/movielense.txt",
        "prompt: got 'config/prompts/movielense.txt': no such file (i",
    ),
    (
        f"{ENTRY}/prompt",
        "config/prompts",
        "datasets.ml-1m.prompt: got 'config/prompts': is a folder",
    ),
    (
        f"{ENTRY}/prompt",
        "config/paper/table1.csv",
        "prompt: {root}/config/paper/table1.csv: {{history_movi",
    ),
    (
        "config/requests/files",
        {"spring": "no.csv"},
        "requests.files.spring: got 'no.csv': no such file (in its folder",
    ),
    (
        "config/requests/files",
        {"spring": "a\0b"},
        "requests.files.spring: got 'a\\x00b', which holds the character U+0",
    ),
    (
        "config/requests/files",
        {"bpr": "README.md"},
        "requests.files.bpr: a backbone is called 'bpr', whose folder lie",
    ),
    (
        "config/files/params",
        "config/parms.yaml",
        "files.params: got 'config/parms.yaml': no such file (in its folder: did you mean 'params.yaml'?",
    ),
    (
        "config/data_dir",
        "nowhere/at/all",
        "data_dir: got 'nowhere/at/all': no such file or folder (a relative path is looked for",
    ),
    (
        "config/scoring/llm",
        "local-folder",
        LLMS + "llms.local-folder.source.path: got 'models/my-model': no such fol",
    ),
    (
        "config/requests/files",
        {"spring": "a{b}.csv"},
        "spring: got 'a{b}.csv', whose braces Snakemake takes for wild",
    ),
    (
        "tables/tables/table1/paper",
        "{x}.csv",
        "tables.table1.paper: got '{x}.csv', whose braces Snakemake takes for",
    ),
    # members that climb out of their archive
    *(
        (
            f"{ENTRY}/sources/0/members",
            {member: "0" * 64},
            "which leads out of its folder; name it by steps",
        )
        for member in ("../x", "/x", "a/../../x", "a\\..\\x", "C:/x", "./x", "a//x", "x/")
    ),
    (f"{ENTRY}/folder", "..", "datasets.ml-1m.folder: got '..', which leads out of its folder"),
    (f"{ENTRY}/archive", "a/b", "datasets.ml-1m.archive: got 'a/b'; String should match pattern"),
]


@pytest.mark.parametrize(("key", "value", "said"), REFUSED)
def test_refused(told, monkeypatch, tmp_path, key, value, said):
    monkeypatch.delenv("CRAGRU_DATA_DIR", raising=False)
    assert said.replace("{root}", str(tmp_path)).replace("{{", "{") in told({key: value})


def test_problems_of_all_files_are_told_at_once(told):
    said = told(
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
    for start in (CONFIG, PARAMS, TABLES, FIGURES, LLMS, DATA, "config/protocols.yaml: "):
        assert said.count(start) == 1


def test_problems_across_files_are_told_at_once(told):
    said = told(
        {
            "config/methods": ["retrian"],
            "params/methods/scif/label": "CRAGRU",
            "tables/tables/claims/cutoff": 7,
            f"{SISA}/options/shards": 0,
            "tables/tables/table1/paper": "no.csv",
        }
    )
    for part in ("retrian", "'CRAGRU'", "claims.cutoff", "options.shards", "table1.paper"):
        assert part in said


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
    with pytest.raises(
        CragruError, match="shards: got 40 on ml-100k, which has 39 users; take fewer there"
    ):
        load_changed(shipped, tmp_path, shards | unknown)
    with pytest.raises(
        CragruError, match=r"datasets.ml-100k.users: got 943, but 39 were prepared; mend it"
    ):
        load_changed(shipped, tmp_path)


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
    assert found == RULES
