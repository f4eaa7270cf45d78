"""Table III on toy data with the real LLM: two users ask to be forgotten, Retrain and CRAGRU serve them."""

import json
import re
import shutil

import pandas as pd
import pytest
from snakemake_calls import pass_for_made

pytestmark = pytest.mark.slow

STATE, CANDIDATES = "results/toy/one-user/1", 10
REQUESTS = ("draw-1", "draw-2")
CELL = "bpr/cragru/original/none/backbone/smollm2-135m/requester"
METHODS = {
    "download": 1,
    "prepare": 1,
    "split": 1,
    "apply_request": 2,
    "unlearn_request": 2,
    "table": 1,
    "certificate_request": 2,
    "all": 1,
}
CRAGRU = {
    "train_original": 1,  # where its candidates come from; Retrain does without
    "fetch_llm": 1,
    "prepare_requester": 2,
    "check_requester": 2,
    "score_requesters": 1,
    "requester_cost": 2,
}


@pytest.fixture(scope="module")
def settings(converted):
    return {
        "backbones": ["bpr"],
        "methods": ["retrain"],
        "seeds": [1],
        "tables": ["table3"],
        "requests": {"one_user": len(REQUESTS)},
        "retrieval": {"candidates": CANDIDATES},
        "scoring": {"llm": "smollm2-135m", "tokens": 700},
        "files": converted,
    }


@pytest.fixture(scope="module")
def small(configure, settings):
    return configure(**settings)


@pytest.fixture(scope="module")
def folder(workflow, small, tmp_path_factory):
    """The finished run; do not change it, take a copy."""
    directory = (
        tmp_path_factory.mktemp("times") / "run"
    )  # no deeper than copies: paths of templates are relative
    directory.mkdir()
    done = workflow.make(directory, config=small, cores=2)
    assert (
        done.jobs == METHODS | CRAGRU
    )  # with one job, and so one start of the engine, for all requests
    return directory


@pytest.fixture
def a_copy(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "run", symlinks=True)


def read(path):
    return json.loads(path.read_text())


def prompts(directory, request):
    return [
        json.loads(line)
        for line in (directory / STATE / request / CELL / "prompts.jsonl").read_text().splitlines()
    ]


def part(directory, request, name):
    return pd.read_parquet(directory / STATE / request / "split" / f"{name}.parquet")


def test_who_asks_gets_a_prompt_without_any_row_of_theirs(folder):
    users = set()
    for request in REQUESTS:
        (prompt,) = prompts(folder, request)
        assert {prompt["user"]} == set(part(folder, request, "forget")["user"])
        assert prompt["rows"] == []
        assert "the oldest first:\n(none)\n" in prompt["prompt"]
        users.add(prompt["user"])
    assert len(users) == len(REQUESTS)


def test_candidates_are_the_deployed_originals_best_and_some_are_forgotten(folder):
    from cragru.backbones.base import FactorModel

    model = FactorModel.load(folder / STATE / "bpr/original/model.safetensors")
    for request in REQUESTS:
        (prompt,) = prompts(folder, request)
        scores = model.user_factors[prompt["user"]] @ model.item_factors.T
        assert prompt["candidates"] == scores.topk(CANDIDATES).indices.tolist()
        forgotten = set(part(folder, request, "forget")["item"]) & set(prompt["candidates"])
        checked = read(folder / STATE / request / CELL / "prompts-checked.json")
        assert checked["forgotten_candidates"] == len(forgotten) > 0
        assert (checked["prompts"], checked["history_rows"], checked["candidates"]) == (
            1,
            0,
            CANDIDATES,
        )


def test_every_request_is_answered_alone_and_every_stage_is_timed(folder):
    for request in REQUESTS:
        cost = read(folder / STATE / request / CELL / "cost.json")
        assert cost["stages"].keys() == {"filter", "candidates", "prompt", "generation"}
        assert min(cost["stages"].values()) > 0
        assert (
            cost["seconds_sequential"]
            == cost["seconds_parallel"]
            == pytest.approx(sum(cost["stages"].values()))
        )
        assert cost["engine_start_seconds"] > 0
    store = folder / "results/llm/smollm2-135m/answers"
    answers = [read(path) for path in store.glob("*.json") if not path.name.endswith(".cost.json")]
    assert [len(chunk) for chunk in answers] == [1] * len(REQUESTS)
    (receipt,) = (folder / "results/llm/smollm2-135m/receipts").rglob("1-of-1.json")
    assert list(read(receipt)) == [
        f"{STATE}/{request}/{CELL}/prompts.jsonl" for request in REQUESTS
    ]


def test_table(folder):
    table = pd.read_csv(folder / "results/tiny/tables/table3.csv").set_index("method")
    assert list(table.index) == ["Retrain", "CRAGRU"]
    seconds = table["counted_seconds_sequential"]
    assert table["counts"].tolist() == ["cpu", "cpu"]
    assert table["times_retrain"].to_dict() == pytest.approx(dict(seconds["Retrain"] / seconds))
    assert table["measured"].tolist() == [2, 2]
    assert table["ready"].tolist() == ["all users", "the requester"]
    text = (folder / "results/tiny/tables/table3.md").read_text()
    assert "n = 2 (2 requests under 1 seed); methods ran on cpu." in text
    assert "Nothing remains of those who ask" in text
    assert (folder / "results/tiny/tables/table3.tex").is_file()


def test_a_second_call_does_nothing(workflow, small, folder):
    assert workflow.plan(folder, config=small) == {}


def test_without_an_llm_methods_alone_are_planned(workflow, configure, settings, changed, tmp_path):
    without = configure(**settings | {"scoring": {"llm": None}})
    assert workflow.plan(tmp_path, config=without) == METHODS
    files = settings["files"] | changed("tables", "table3", "cragru", False)
    assert workflow.plan(tmp_path, config=configure(**settings | {"files": files})) == METHODS


def test_a_forgotten_row_in_the_prompt_stops_the_run(workflow, small, a_copy):
    (record,) = prompts(a_copy, "draw-1")
    record["rows"] = [int(part(a_copy, "draw-1", "forget")["row"][0])]
    name = f"{STATE}/draw-1/{CELL}/prompts.jsonl"
    (a_copy / name).write_text(json.dumps(record) + "\n")
    pass_for_made(a_copy, name)
    done = workflow.run(a_copy, config=small, cores=2)
    assert done.rc != 0
    (error,) = done.errors
    assert error.startswith("cragru: error in check_requester: ")
    assert re.search(rf"user\s+{record['user']}:.*got\s+{record['rows'][0]}\b", error)
    assert re.search(r"part\s+forget", error)


def test_a_request_of_some_rows_leaves_the_others_in_the_prompt(
    workflow, configure, settings, toy, a_copy
):
    """Up to the proof, which needs no engine."""
    asked = pd.concat([rows.head(2) for _, rows in list(toy.ratings.groupby("user"))[:2]])
    path = a_copy / "some.csv"
    asked.to_csv(path, columns=["user", "item"], index=False)
    config = configure(**settings | {"requests": {"files": {"some": str(path)}}})
    room = a_copy / "results/toy/from-file-alone/1/some"
    workflow.make(
        a_copy, str((room / CELL / "prompts-checked.json").relative_to(a_copy)), config=config
    )
    remaining = pd.concat(
        [pd.read_parquet(room / f"split/{name}.parquet") for name in ("train", "valid")]
    )
    records = [
        json.loads(line) for line in (room / CELL / "prompts.jsonl").read_text().splitlines()
    ]
    assert len(records) == 2
    for record in records:
        own = remaining[remaining["user"] == record["user"]]
        assert record["rows"] == sorted(own["row"])[record["dropped"] :]
        assert record["rows"]
        assert not set(own["item"]) & set(record["candidates"])


def test_a_table_of_no_requests_is_an_error(workflow, configure, settings, changed, tmp_path):
    files = settings["files"] | changed("tables", "table3", "protocol", "from-file-alone")
    refused = workflow.run(
        tmp_path, "--dry-run", "table3", config=configure(**settings | {"files": files})
    )
    assert refused.rc == 1
    assert re.search(r"^cragru: .*\btable3\b", refused.output, re.MULTILINE)
    assert "Traceback (most" not in refused.output
