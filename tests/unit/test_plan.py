"""What rules depend on, function by function: no process is started and no data are read."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from configuration import ROOT, load_changed
from snakemake.iocontainers import Wildcards

from cragru.plan import places
from cragru.plan.cells import Cell, cell_file, cell_of, scored_file
from cragru.plan.certificates import Certificates
from cragru.plan.loading import load_project
from cragru.plan.requests import Requests, served_cell, service_file
from cragru.plan.rows import EVERYONE, Row, cell_row
from cragru.plan.run import WHOLE_MACHINE
from cragru.plan.scoring import Scoring
from cragru.plan.showing import Showing
from cragru.plan.training import Training
from cragru.plan.words import scoring_note, service_note
from tests.refusals import refused

STATE = {"dataset": "ml-100k", "protocol": "paper", "seed": "1"}
REQUEST = {"dataset": "ml-100k", "protocol": "one-user", "seed": "2", "request": "draw-3"}
ASKED = {"llm": "smollm2-135m", "form": "listwise", "cohort": "pilot"}
CELL = Cell("ml-100k", "paper", 1, "bpr", "original", "none", "backbone", **ASKED)


def asked(**names):
    return Wildcards(fromdict=names)


@pytest.fixture(scope="module")
def project():
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    config["requests"]["one_user"] = 3
    return load_project(config, ROOT)


@pytest.fixture
def load(shipped, tmp_path):
    """Load the shipped configuration with changes: a key path that starts with the file's name -> value."""
    return lambda **changes: load_changed(
        shipped, tmp_path, {path.replace("__", "/"): v for path, v in changes.items()}
    )


def test_the_plan_needs_nothing_heavy():
    """In a process of its own, for this one has them all."""
    unasked = ("__init__", "schema")  # the second is a tool, which no rule imports
    modules = [
        path.stem for path in (ROOT / "cragru/plan").glob("*.py") if path.stem not in unasked
    ]
    lines = ["import sys, yaml", "from pathlib import Path"]
    lines += [f"import cragru.plan.{name}" for name in modules]
    lines.append(
        "project = cragru.plan.loading.load_project(yaml.safe_load(open('config/config.yaml')), Path().resolve())"
    )
    lines.append("assert len(project.rows) > 100 and len(project.cells) == 13")
    lines.append(
        "print({'torch', 'scipy', 'sklearn', 'matplotlib', 'pandas', 'numpy'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", "\n".join(lines)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "set()\n"), done.stderr


# --- places


def test_a_template_is_filled_and_found_again():
    path = places.place(places.SELECTION, **CELL._asdict())
    assert path == "results/ml-100k/paper/1/bpr/cragru/original/none/own/selection.parquet"
    assert places.is_at(places.SELECTION, path)
    assert places.is_at(places.SELECTION, path, dataset="ml-100k", seed=1)
    assert not places.is_at(places.SELECTION, path, seed=2)
    assert not places.is_at(places.SELECTION, f"{path}x")
    assert not places.is_at(places.SELECTION, path.replace("none", "none/fit"))
    assert not places.is_at(places.SELECTION, path.replace(".parquet", "-parquet"))


def test_a_name_with_the_letters_of_a_pattern_is_no_pattern():
    assert places.is_at(places.STATISTICS, "results/a.b/prepared/statistics.json", dataset="a.b")
    assert not places.is_at(
        places.STATISTICS, "results/axb/prepared/statistics.json", dataset="a.b"
    )


def test_a_template_without_all_its_names_is_an_error():
    with pytest.raises(KeyError, match="seed"):
        places.place(places.STATE, dataset="ml-100k", protocol="paper")


def test_a_split_has_its_parts_record_and_manifest():
    files = places.split_files("x")
    assert sorted(files) == ["forget", "held_out", "manifest", "record", "test", "train", "valid"]
    assert files["held_out"] == "x/split/forget-heldout.parquet"
    assert sorted(places.judged_files("x")["parts"]) == sorted(files.values())
    assert places.remaining_files("x") == {
        "train": "x/split/train.parquet",
        "valid": "x/split/valid.parquet",
        "record": "x/split/split.json",
        "statistics": places.STATISTICS,
    }


def test_the_readme_of_results_names_every_file():
    told = (ROOT / "results/README.md").read_text()
    files = {
        Path(value).name
        for name, value in vars(places).items()
        if name.isupper() and isinstance(value, str)
    }
    for make in (
        places.split_files,
        places.unlearned_files,
        places.prompt_files,
        places.measured_files,
    ):
        files |= {Path(path).name for path in make("x").values()}
    named = {name for name in files if "." in name and "{" not in name and "manifest" not in name}
    assert len(named) > 30
    missing = [name for name in sorted(named) if name not in told and Path(name).stem not in told]
    assert not missing


# --- training


def test_what_a_method_reads_is_of_its_state_or_of_its_request(project):
    training = Training(project)
    before = "results/ml-100k/one-user/2/bpr/original/model.safetensors"
    ifru = asked(**REQUEST, backbone="bpr", method="ifru")
    assert training.original_if_read(ifru) == before
    assert training.forget_if_read(ifru) == "results/ml-100k/one-user/2/draw-3/split/forget.parquet"
    of_state = asked(**STATE, backbone="bpr", method="ifru")
    assert training.forget_if_read(of_state) == "results/ml-100k/paper/1/split/forget.parquet"
    retrain = asked(**REQUEST, backbone="bpr", method="retrain")
    assert training.original_if_read(retrain) == training.forget_if_read(retrain) == []


def test_a_request_leaves_a_model_and_the_original_stays_the_states(project):
    training = Training(project)
    folder = "results/ml-100k/one-user/2"
    models = [
        training.model_after(asked(**REQUEST, backbone="bpr", model=name))
        for name in ("original", "scif")
    ]
    assert models == [
        f"{folder}/bpr/original/model.safetensors",
        f"{folder}/draw-3/bpr/scif/model.safetensors",
    ]


def test_methods_fall_into_those_with_shards_and_those_without(project):
    training = Training(project)
    assert set(training.sharded) | set(training.unsharded) == set(project.params.methods)
    assert not set(training.sharded) & set(training.unsharded)
    assert {"sisa-users", "receraser-ubp"} <= set(training.sharded)
    assert set(training.damped) == {"scif", "ifru"}


SERVED = [  # protocol, backbone, and how often its requests are served
    ("one-user", "bpr", 3),
    ("one-user", "bpr@dimensions=8", 3),
    ("one-user", "bpr@training=1", 1),
    ("one-user", "bpr@dimensions=8@training=1", 1),
    ("released-code", "bpr", 1),  # no table shows what these cost
]


@pytest.mark.parametrize(("protocol", "backbone", "often"), SERVED)
def test_requests_are_served_thrice_where_a_table_shows_their_cost(
    project, protocol, backbone, often
):
    training, names = Training(project), STATE | {"protocol": protocol, "backbone": backbone}
    methods = ("retrain", "scif@damping=10")
    assert [training.repeats(asked(**names, method=name)) for name in methods] == [often] * 2


def test_shadows_are_retrains_of_other_trainings(load):
    """As many as the folder of what is held against them says; a search of damping takes all of the run's."""
    training = Training(load(config__trainings=3))

    def models(*backbones):
        state = "results/ml-100k/paper/1"
        return [f"{state}/{name}/retrain/model.safetensors" for name in backbones]

    plain, first = (
        asked(**STATE, backbone=f"bpr{name}", shadows="2") for name in ("", "@training=1")
    )
    assert training.shadows(plain) == models("bpr@training=1", "bpr@training=2")
    assert training.shadows(first) == models("bpr", "bpr@training=2")
    assert training.shadows(asked(**STATE, backbone="bpr", shadows="1")) == models("bpr@training=1")
    found = training.all_shadows(asked(**STATE, backbone="bpr", method="ifru"))
    assert found == models("bpr@training=1", "bpr@training=2")


def test_a_search_sets_what_it_searches_and_nothing_else(project):
    """Of Retrain the backbone's options, so that a change of these searches nothing anew; of shards their own."""
    training = Training(project)
    assert set(training.tuned) == {"retrain", *training.sharded}
    retrain, sisa = (
        asked(**STATE, backbone="bpr", method=name) for name in ("retrain", "sisa-users")
    )
    given = training.options(sisa)
    assert training.backbone_options_but_tuned(sisa) == given
    unset = {"learning_rate": 1, "patience": 1}
    assert training.backbone_options_but_tuned(retrain) == given | unset
    assert training.options_but_tuned(retrain) == {}
    own = training.method_options(sisa)
    assert "learning_rate" in own
    assert training.options_but_tuned(sisa) == {
        name: value for name, value in own.items() if name not in unset
    }
    assert training.partition_if_cut(sisa).endswith("/bpr/sisa-users/before/partition.parquet")
    assert training.partition_if_cut(retrain) == []


def test_options_reach_only_what_they_change(project):
    training = Training(project)
    receraser = asked(**STATE, backbone="bpr", method="receraser-ubp")
    assert training.shard_options(receraser) == {"shards": 10, "learning_rate": 0.002}
    other = asked(**STATE, backbone="lightgcn", method="receraser-ubp")
    assert training.shard_options(other) == {"shards": 10, "learning_rate": 0.005}
    assert training.shard_count(receraser) == 10
    assert training.partition_options(receraser) == {"unit": "users", "capacity": 1.2}
    ifru = asked(**STATE, backbone="lightgcn", method="ifru")
    assert training.method_options(ifru) == {"negatives": 24, "damping": 0.1}
    assert training.options_but_damping(ifru) == {"negatives": 24}


def test_another_aggregation_trains_no_shard_anew(load):
    """What a method with shards takes beside their own options reaches its own rule alone."""
    wide = {"shards": 10, "learning_rate": 0.005, "steps": 20, "least_batch": 64, "missing": "zero"}
    training = Training(load(**{"params__methods__sisa-users__options": wide}))
    sisa = asked(**STATE, backbone="lightgcn", method="sisa-users")
    assert training.method_options(sisa) == wide
    del wide["missing"]
    assert training.shard_options(sisa) == wide


def test_a_partition_that_looks_at_embeddings_reads_the_original(project):
    training = Training(project)
    models = [
        training.partition_model(asked(**STATE, backbone="bpr", method=m))
        for m in ("receraser-ubp", "sisa-users")
    ]
    assert models == ["results/ml-100k/paper/1/bpr/original/model.safetensors", []]


def test_a_strategy_keeps_k_or_all(project):
    training = Training(project)
    limits = [
        training.history_limit(asked(strategy=name)) for name in ("none", "random", "attention")
    ]
    assert limits == [None, 16, 16]


def test_code_is_digested_with_the_modules_that_are_named_at_run_time(project):
    training = Training(project)
    ifru = asked(**STATE, backbone="lightgcn", method="ifru")
    roots = [
        training.method_code("scripts/unlearn.py")(ifru)["roots"],
        training.backbone_code("scripts/train_original.py")(ifru)["roots"],
        training.partition_code("scripts/partition.py")(
            asked(**STATE, backbone="bpr", method="sisa-users")
        )["roots"],
        training.strategy_code("scripts/fit_strategy.py")(asked(strategy="attention"))["roots"],
    ]
    assert roots == [
        ["scripts/unlearn.py", "cragru.unlearning.ifru", "cragru.backbones.lightgcn"],
        ["scripts/train_original.py", "cragru.backbones.lightgcn"],
        ["scripts/partition.py", "cragru.unlearning.partition.random"],
        ["scripts/fit_strategy.py", "cragru.retrieval.attention"],
    ]


# --- scoring


def of_cell(cell):
    return asked(**{name: str(value) for name, value in cell._asdict().items()})


def test_a_cell_is_read_from_its_path(project):
    assert cell_of(of_cell(CELL)) == CELL
    folder = "results/ml-100k/paper/1/bpr/cragru/original/none/own/backbone"
    scored = f"{folder}/smollm2-135m/listwise/pilot"
    assert scored_file(CELL, "cost.json") == f"{scored}/cost.json"
    assert cell_file(CELL, "reranked.parquet") == f"{scored}/none/reranked.parquet"
    fused = CELL._replace(fusion="validation")
    assert cell_of(of_cell(fused)) == fused
    assert scored_file(fused, "cost.json") == f"{scored}/cost.json"
    assert cell_file(fused, "reranked.parquet") == f"{scored}/validation/reranked.parquet"


def test_cells_of_the_run_are_answered_together_and_others_alone(project):
    scoring = Scoring(project)
    receipts = "results/llm/smollm2-135m/receipts/ml-100k/paper/1"
    assert scoring.receipts(of_cell(CELL)) == [f"{receipts}/listwise/pilot/together/1-of-1.json"]
    unshown = CELL._replace(strategy="random")  # of no table
    alone = f"{receipts}/listwise/pilot/bpr/original/random/own/backbone/1-of-1.json"
    assert scoring.receipts(of_cell(unshown)) == [alone]
    other = scoring.receipts(of_cell(CELL._replace(cohort="all")))
    assert other == [f"{receipts}/listwise/all/bpr/original/none/own/backbone/1-of-1.json"]


def test_a_batch_has_the_prompts_and_proofs_of_its_cells(project):
    scoring = Scoring(project)
    names = {**STATE, **ASKED}
    together = asked(**names, batch="together")
    assert scoring.prompts(together) == [
        scored_file(cell, "prompts.jsonl") for cell in project.asked
    ]
    assert len(scoring.proofs(together)) == len(project.asked) == 3
    alone = asked(**names, batch="bpr/original/none/own/backbone")
    assert scoring.proofs(alone) == [scored_file(CELL, "prompts-checked.json")]
    other_seed = asked(**{**names, "seed": "2"}, batch="together")
    assert scoring.prompts(other_seed) == []


def test_a_batch_of_one_cell_each_and_many_jobs(load):
    project = load(config__scoring__batch="cell", config__scoring__jobs=2)
    found = Scoring(project).receipts(of_cell(CELL))
    assert [path.partition("/pilot/")[2] for path in found] == [
        "bpr/original/none/own/backbone/1-of-2.json",
        "bpr/original/none/own/backbone/2-of-2.json",
    ]


def test_a_server_takes_one_thread_no_gpu_and_anothers_tokenizer(load):
    source = {
        "kind": "server",
        "url": "http://127.0.0.1:8000/v1",
        "model": "m",
        "tokenizer": "smollm2-135m",
    }
    entry = {"label": "Server", "source": source, "engine": {"context": 2048}}
    project = load(llms__llms__remote=entry, config__device="cuda")
    scoring = Scoring(project)
    remote, local = asked(llm="remote"), asked(llm="smollm2-135m")
    assert (scoring.threads(remote), scoring.gpus(remote)) == (1, 0)
    assert (scoring.threads(local), scoring.gpus(local)) == (8, 1)
    assert (scoring.machine(remote), scoring.machine(local)) == (1, WHOLE_MACHINE)
    assert Scoring(load(config__device="cpu")).machine(local) == 1
    assert (
        scoring.tokenizer_folder(remote)
        == scoring.tokenizer_folder(local)
        == "results/llm/smollm2-135m/model"
    )
    assert scoring.tokenizer_manifest(remote) == "results/llm/smollm2-135m/manifest.json"
    assert scoring.context(remote) == 2048
    assert "label" not in scoring.llm_service(remote)


def jobs_of(*pairs):
    return [(rule, asked(llm=llm)) for rule, llm in pairs] + [("split", asked(**STATE))]


@pytest.fixture
def keyless(monkeypatch, tmp_path, project):
    """The shipped models' keys are not set, and nothing is stored here."""
    monkeypatch.chdir(tmp_path)
    for variable in ("HF_TOKEN", "CRAGRU_LLM_KEY"):
        monkeypatch.delenv(variable, raising=False)
    return Scoring(project)


@pytest.mark.parametrize("rule", ["score_prompts", "score_requesters"])
def test_a_key_that_a_server_needs_is_missed_before_the_first_job(keyless, monkeypatch, rule):
    jobs = jobs_of((rule, "local-server"), ("fetch_llm", "smollm2-135m"), (rule, "smollm2-135m"))
    with refused(place="local-server: CRAGRU_LLM_KEY"):
        keyless.check_secrets(jobs)
    monkeypatch.setenv("CRAGRU_LLM_KEY", "a key")
    with refused(place="local-server: CRAGRU_LLM_KEY"):
        keyless.check_secrets(jobs)
    monkeypatch.setenv("CRAGRU_LLM_KEY", "key")
    assert keyless.check_secrets(jobs) == []


def test_who_needs_no_key_is_not_asked_for_one(keyless):
    assert keyless.check_secrets(jobs_of()) == []
    here = jobs_of(("fetch_llm", "smollm2-135m"), ("score_prompts", "smollm2-135m"))
    fetched = jobs_of(("score_prompts", "llama-3.1-8b-instruct"))
    assert keyless.check_secrets(here + fetched) == []


def test_stored_answers_may_do_without_a_key(keyless):
    store = Path(places.place(places.ANSWERS, llm="local-server"))
    store.mkdir(parents=True)
    jobs = jobs_of(("score_prompts", "local-server"), ("score_requesters", "local-server"))
    with refused(place="local-server: CRAGRU_LLM_KEY"):
        keyless.check_secrets(jobs)
    (store / "0.json").touch()
    (warning,) = keyless.check_secrets(jobs)
    assert warning.place == "local-server: CRAGRU_LLM_KEY"


def test_every_missing_key_is_named_at_once(keyless):
    jobs = jobs_of(("fetch_llm", "llama-3.1-8b-instruct"), ("score_prompts", "local-server"))
    with refused(place="llama-3.1-8b-instruct: HF_TOKEN") as caught:
        keyless.check_secrets(jobs)
    assert len(caught.value.problems) == 2


def test_weights_of_a_folder_are_watched(load, tmp_path):
    (tmp_path / "model").mkdir()
    for name in ("config.json", "a.safetensors"):
        (tmp_path / "model" / name).write_text("{}")
    entry = {
        "label": "Mine",
        "source": {"kind": "folder", "path": str(tmp_path / "model")},
        "engine": {"context": 8},
    }
    scoring = Scoring(load(llms__llms__mine=entry))
    assert [Path(path).name for path in scoring.llm_files(asked(llm="mine"))] == [
        "a.safetensors",
        "config.json",
    ]
    assert scoring.llm_files(asked(llm="smollm2-135m")) == []


def test_a_cohort_is_of_users_who_forget_where_interactions_are_forgotten(project):
    scoring = Scoring(project)
    assert scoring.is_of_forgetting_users(asked(protocol="paper"))
    assert not scoring.is_of_forgetting_users(asked(protocol="released-code"))
    assert [scoring.cohort_size(asked(cohort=name)) for name in ("pilot", "all")] == [40, None]


# --- requests


def test_a_draw_has_a_number_and_a_file_has_a_path(load, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("spring.csv").touch()
    requests = Requests(
        load(
            config__requests={
                "one_user": 3,
                "files": {"spring": "spring.csv"},
                "protocol": "from-file",
            }
        )
    )
    assert requests.number(asked(**REQUEST)) == 3
    assert requests.file(asked(**REQUEST)) == []
    spring = asked(**{**REQUEST, "protocol": "from-file", "request": "spring"})
    assert requests.number(spring) is None
    assert requests.file(spring) == "spring.csv"
    assert requests.check(spring) == "results/ml-100k/from-file/requests.json"
    assert requests.check(asked(**REQUEST)) == []
    assert requests.all_files(spring, None) == ["spring.csv"]


@pytest.fixture
def two_requests(load, tmp_path, monkeypatch):
    """The plan of two requests, and how a rule asks for one by a protocol."""
    monkeypatch.chdir(tmp_path)
    Path("spring.csv").write_text("user,item\n196,\n")
    Path("autumn.csv").write_text("user,item\n186,\n186,242\n")
    files = {"spring": "spring.csv", "autumn": "autumn.csv"}
    run = load(config__requests__files=files)
    return run, lambda request, protocol: asked(
        **{**REQUEST, "protocol": protocol, "request": request}, backbone="bpr", method="ifru"
    )


def test_a_request_in_turn_starts_from_what_the_one_before_left(two_requests):
    run, ask = two_requests
    requests, training = Requests(run), Training(run)
    state = "results/ml-100k/from-file/2"
    first, second = ask("spring", "from-file"), ask("autumn", "from-file")
    assert requests.divided_record(first) == f"{state}/split/split.json"
    assert requests.divided_record(second) == f"{state}/spring/split/split.json"
    assert not [path for path in requests.divided(second) if "forget" in path]
    assert training.original_if_read(first) == f"{state}/bpr/original/model.safetensors"
    assert training.original_if_read(second) == f"{state}/spring/bpr/ifru/model.safetensors"
    assert training.shards_before(first) == f"{state}/bpr/ifru/before/shards"
    assert training.shards_before(second) == f"{state}/spring/bpr/ifru/after/shards"
    assert training.partition_before(second) == f"{state}/spring/bpr/ifru/after/partition.parquet"


def test_a_request_alone_starts_from_the_deployed_state(two_requests):
    run, ask = two_requests
    alone = ask("autumn", "from-file-alone")
    state = "results/ml-100k/from-file-alone/2"
    assert Requests(run).divided_record(alone) == f"{state}/split/split.json"
    assert Training(run).original_if_read(alone) == f"{state}/bpr/original/model.safetensors"


def test_a_plan_says_what_a_request_deletes(two_requests, project):
    run, ask = two_requests
    requests = Requests(run)
    assert requests.deletes(ask("autumn", "from-file"), None) == (
        "all rows of 1 user, and 1 single row"
    )
    Path("spring.csv").write_text("user;item\n")
    assert requests.deletes(ask("spring", "from-file"), None).startswith("nothing, for it is")
    draw = asked(**REQUEST)
    assert Requests(project).deletes(draw, None) == "all rows of 1 user, drawn at random"


def test_a_request_that_there_is_not_is_named(project):
    requests = Requests(project)
    with refused(place="requests.one_user", got="draw-9") as caught:
        requests.number(asked(**{**REQUEST, "request": "draw-9"}))
    assert "3" in caught.value.problems[0].what
    unknown = asked(**{**REQUEST, "protocol": "from-file", "request": "autumn"})
    with refused(place="requests.files", got="autumn", allowed=[]):
        requests.file(unknown)


def test_requests_of_a_state_are_answered_together(project):
    requests = Requests(project)
    names = {"dataset": "ml-100k", "protocol": "one-user", "seed": "2", "llm": "smollm2-135m"}
    wanted = []
    for request in ("draw-1", "draw-2", "draw-3"):
        for backbone in ("bpr", "lightgcn"):
            cell = served_cell("ml-100k", "one-user", 2, backbone, "smollm2-135m")
            wanted.append(service_file(cell, request, "prompts.jsonl"))
    assert requests.prompts(asked(**names, batch="together")) == wanted
    assert wanted[0].endswith(
        "/2/draw-1/bpr/cragru/original/none/backbone/smollm2-135m/requester/prompts.jsonl"
    )
    assert len(requests.proofs(asked(**names, batch="draw-2/bpr"))) == 1
    receipt = requests.receipt(asked(**names, request="draw-2", backbone="bpr"))
    assert (
        receipt
        == "results/llm/smollm2-135m/receipts/ml-100k/one-user/2/requester/together/1-of-1.json"
    )


def test_a_request_on_another_backbone_than_the_runs_is_answered_alone(load):
    requests = Requests(load(config__backbones=["bpr"]))
    names = {**REQUEST, "llm": "smollm2-135m", "backbone": "lightgcn"}
    assert requests.receipt(asked(**names)).endswith("/requester/draw-3/lightgcn/1-of-1.json")


# --- showing


def test_files_of_a_table_are_three_and_its_tests(project):
    showing = Showing(project)
    assert showing.tested == ["table2", "table2-released-code", "table2-temporal"]
    names = [path.removeprefix("results/default/tables/") for path in showing.table_files("table2")]
    assert names == ["table2.csv", "table2.md", "table2.tex", "table2-differences.csv"]
    assert [Path(path).suffix for path in showing.figure_files("figure3")] == [
        ".csv",
        ".pdf",
        ".png",
        ".tex",
    ]
    assert len(showing.run_files()) == 8 * 3 + 1 + 3 * 4


def test_a_table_reads_rows_printed_values_tests_and_other_tables(project):
    showing = Showing(project)
    found = showing.inputs(asked(run="default", table="table2"))
    assert sorted(found) == ["paper", "rows", "tests"]
    assert found["tests"] == "results/default/tables/table2-differences.csv"
    assert Path(found["paper"]).resolve() == ROOT / "config/paper/table2.csv"
    assert sorted(showing.inputs(asked(run="default", table="claims"))) == ["rows", "times"]
    assert sorted(showing.inputs(asked(run="default", figure="figure4"))) == ["rows"]


def test_differences_are_of_the_tables_rows(project):
    showing, wildcards = Showing(project), asked(run="default", table="table2")
    rows, tested = showing.rows(wildcards), showing.tested_rows(wildcards)
    compared = ("panel", "backbone", "method", "seed", "training", "source", "per_user")
    assert [[row[name] for name in compared] for row in tested] == [
        [row[name] for name in compared] for row in rows
    ]
    assert {row["source"] for row in rows if row["method"].startswith("CRAGRU")} == {"original"}
    assert {row["source"] for row in rows if row["method"] == "SCIF"} == {None}
    assert set(showing.tested_spec(wildcards)) == {"mask", "cutoffs"}
    assert set(showing.tested_words(wildcards)) == {"retrain", "references"}


# --- further trainings

SHARDS = {"SISA (users)", "GraphEraser (BLPA)", "RecEraser (UBP)"}


def names_of(table, own, **changes):
    """Rows of a table as its maker gets them, of a run on BPR."""
    changes = {"config__backbones": ["bpr"], "config__scoring__compare_on": ["bpr"], **changes}
    project = own(**changes, config__tables=[table, "table1"], config__figures=[])
    return project, project.tables.tables[table].rows(project, project.tables.tables)


@pytest.mark.parametrize("trainings", [2, 5])
def test_a_tested_table_shows_every_training_of_what_is_trained(load, trainings):
    """Of all users and of the cohort: the original, Retrain, SCIF and IFRU as often, shards once."""
    _, rows = names_of("table2", load, config__trainings=trainings)
    for panel in (EVERYONE, "cohort pilot"):
        often = {}
        for row in rows:
            if row.labels["panel"] == panel and row.cell is None:
                often.setdefault(row.labels["method"], []).append(row.training)
        once = {name: [0] for name in SHARDS}
        every = list(range(trainings))
        assert often == once | dict.fromkeys(("Original", "Retrain", "SCIF", "IFRU"), every)
    assert {row.training for row in rows if row.cell} == {0}
    further = [row for row in rows if row.training == 1]
    assert {row.backbone for row in further} == {"bpr@training=1"}
    assert {row.labels["backbone"] for row in further} == {"BPR"}


def test_a_table_without_tests_shows_one_training(load):
    _, rows = names_of("table2", load, tables__tables__table2__tested=False)
    assert {row.training for row in rows} == {0}
    assert {row.backbone for row in rows} == {"bpr"}


@pytest.mark.parametrize("trainings", [2, 5])
def test_what_is_known_is_held_against_the_other_trainings(load, trainings):
    project, rows = names_of("table4", load, config__trainings=trainings)
    everyone = [row for row in rows if row.labels["panel"] == EVERYONE]
    assert len(everyone) == 6 + trainings  # Retrain has all trainings
    names = [project.training("bpr", number) for number in range(trainings)]
    for row in rows:
        others = [name for name in names if name != row.backbone]
        assert row.references == tuple((name, "retrain") for name in others)
        assert f"/against-{trainings - 1}-retrains/" in row.files["membership"]
        assert row.training == 0 or row.model == "retrain"


@pytest.mark.parametrize("trainings", [2, 5])
def test_whom_it_hurt_stands_beside_every_further_retrain(load, trainings):
    project, rows = names_of("table5", load, config__trainings=trainings)
    assert len(rows) == 6  # the original and methods, Retrain left out
    names = [project.training("bpr", number) for number in range(trainings)]
    state = "results/ml-100k/released-code/1"
    for row in rows:
        assert row.references == tuple((name, "retrain") for name in names)
        lists = {key: path for key, path in row.files.items() if key.endswith("_lists")}
        further = {
            f"again_{number}_lists": f"{state}/{name}/retrain/recommended.parquet"
            for number, name in enumerate(names[1:], 1)
        }
        assert {key: lists[key] for key in further} == further
        assert set(lists) == {"method_lists", "retrain_lists", *further}


@pytest.mark.parametrize("trainings", [2, 5])
def test_a_run_trains_so_many_models(load, trainings):
    """On each backbone four models as often as the run says, and three methods' shards once."""
    project = load(config__trainings=trainings)
    found = {model for row in project.rows if row.protocol == "paper" for model in row.models}
    assert len(found) == 2 * (4 * trainings + 3)
    of_retrain = {backbone for backbone, model in found if model == "retrain"}
    assert of_retrain == {
        project.training(backbone, number)
        for backbone in ("bpr", "lightgcn")
        for number in range(trainings)
    }


def test_the_certificate_of_a_state_has_the_further_trainings_models(load):
    project = load(config__trainings=3)
    found = Certificates(project).models(asked(**STATE))
    for backbone in ("bpr", "lightgcn"):
        for number in range(3):
            trained = project.training(backbone, number)
            for model in ("original", "retrain", "scif", "ifru"):
                assert (trained, model) in found
            assert ((trained, "sisa-users") in found) == (number == 0)


def test_a_target_without_rows_is_named(load):
    changes = {"config__scoring__llm": None, "config__tables": ["table1"], "config__figures": []}
    showing = Showing(load(**changes))
    with refused(place="figure4") as caught:
        showing.inputs(asked(run="default", figure="figure4"))
    assert str(caught.value) == (
        "figure4: the run has no row of it; "
        "it may need scoring.llm and scoring.compare_on, or requests.files"
    )


def test_the_maker_of_a_table_is_digested_with_its_script(project):
    code = Showing(project).code("scripts/table.py")(asked(run="default", table="claims"))
    assert code["roots"] == ["scripts/table.py", "cragru.reporting.claims_table"]


# --- words


def test_notes_say_whom_and_what_the_llm_saw(project):
    rows = [cell_row(project, CELL, "CRAGRU")]
    note = scoring_note(project, rows)
    assert note.startswith(
        "Cohort pilot: the first 40 users, in one random order, of those that can be judged. "
    )
    assert "scores the 20 best candidates in one answer; prompts are at most 1024 tokens" in note
    assert note.endswith("keep at most 16 interactions.")
    assert scoring_note(project, [Row("ml-100k", model="scif")]) == ""
    assert service_note(project).endswith(" scores the 20 best candidates.")


def test_notes_of_whole_contexts_and_of_everybody(load):
    project = load(config__scoring__cohort="all", config__scoring__tokens=None)
    everybody = CELL._replace(cohort="all")
    note = scoring_note(project, [cell_row(project, everybody, "CRAGRU")])
    assert "Cohort all: all users, in one random order" in note
    assert "prompts are as long as its context of " in note


def test_without_an_llm_there_is_no_note(load):
    changes = {"config__scoring__llm": None, "config__tables": ["table1"], "config__figures": []}
    assert service_note(load(**changes)) == ""
