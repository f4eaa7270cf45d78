"""CRAGRU from end to end on toy data with the real LLM: prompts, proof, answers, lists, table and figure."""

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml
from snakemake_calls import Workflow, copied, pass_for_made

pytestmark = pytest.mark.slow

USERS, CHUNK = 2, 1
STATE = "results/toy/paper/1"
AFTER_THE_LLM = {
    "score_prompts": 1,
    "collect_scores": 3,
    "rerank": 3,
    "evaluate_cragru": 3,
    "table": 2,
    "figure": 1,
    "certificate": 1,
    "all": 1,
}
WITH_PROMPTS = AFTER_THE_LLM | {"build_prompts": 3, "check_prompts": 3}
CELLS = {("none", "backbone"), ("none", "shuffled"), ("random", "backbone")}


@pytest.fixture(scope="module")
def settings(converted):
    return {
        "backbones": ["bpr"],
        "seeds": [1],
        "tables": ["table2", "cragru-cost"],
        "figures": ["figure4"],
        "retrieval": {"strategies": ["none", "random"], "candidates": 10, "history": 4},
        "scoring": {
            "llm": "smollm2-135m",
            "cohorts": {"pilot": USERS},
            "controls": ["shuffled", "popularity", "content"],
            "compare_form": None,
            "compare_cohort": None,
            "chunk": CHUNK,
            "tokens": 600,
        },
        "files": converted,
    }


@pytest.fixture(scope="module")
def small(configure, settings):
    return configure(**settings)


@pytest.fixture(scope="module")
def folder(workflow, small, on_one_core, tmp_path_factory):
    """The finished run; do not change it, take a copy."""
    directory = shutil.copytree(on_one_core, tmp_path_factory.mktemp("scoring") / "run")
    workflow.make(directory, config=small, cores=2)
    return directory


@pytest.fixture
def a_copy(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "run", symlinks=True)


@pytest.fixture(scope="module")
def parts(folder):
    return {
        path.stem: pd.read_parquet(path) for path in (folder / STATE / "split").glob("*.parquet")
    }


def cell(directory, strategy="none", order="backbone"):
    folder = directory / STATE / "bpr/cragru/original" / strategy / "own" / order
    return folder / "smollm2-135m/listwise/pilot"


def prompts(directory, *of):
    return [
        json.loads(line)
        for line in (cell(directory, *of) / "prompts.jsonl").read_text().splitlines()
    ]


def answers(directory):
    """Answers by file name; what they cost is another file each."""
    store = directory / "results/llm/smollm2-135m/answers"
    return {
        path.name: path.read_bytes()
        for path in store.glob("*.json")
        if not path.name.endswith(".cost.json")
    }


def test_the_cells_of_table_and_figure_are_there(folder):
    found = {(path.parts[-7], path.parts[-5]) for path in (folder / STATE).rglob("prompts.jsonl")}
    assert found == CELLS


def test_prompts_hold_remaining_rows_only(folder, parts):
    """Against the files of the split: neither a forgotten row nor a test row, though each user has of both."""
    remaining = pd.concat([parts["train"], parts["valid"]]).set_index("row")
    for of in CELLS:
        records = prompts(folder, *of)
        assert len({record["user"] for record in records}) == USERS
        for record in records:
            assert set(record["rows"]) <= set(remaining.index[remaining["user"] == record["user"]])
            assert record["user"] in set(parts["forget"]["user"])
            assert record["tokens"] <= 600


def test_whole_histories_are_cut_by_length_alone(folder, parts):
    own = pd.concat([parts["train"], parts["valid"]])
    for record in prompts(folder, "none"):
        rows = own.loc[own["user"] == record["user"], "row"].sort_values().tolist()
        assert record["rows"] == rows[record["dropped"] :]
    assert all(len(record["rows"]) == 4 for record in prompts(folder, "random"))


def test_shuffling_changes_the_order_and_nothing_else(folder):
    for plain, shuffled in zip(prompts(folder), prompts(folder, "none", "shuffled"), strict=True):
        assert plain["candidates"] != shuffled["candidates"]
        assert sorted(plain["candidates"]) == sorted(shuffled["candidates"])
        assert plain["user"] == shuffled["user"]


def test_every_answer_scores_every_candidate(folder):
    for of in CELLS:
        scores = pd.read_parquet(cell(folder, *of) / "scores.parquet")
        assert len(scores) == USERS * 10
        assert scores["score"].between(1, 100).all()
        assert scores.groupby("user")["item"].nunique().eq(10).all()


def test_table2_has_a_panel_of_the_cohort(folder):
    table = pd.read_csv(folder / "results/tiny/tables/table2.csv")
    rows = dict(iter(table.groupby("panel")["method"]))
    assert set(rows["all users"]) == {"Original", "Retrain"}
    controls = {"CRAGRU, shuffled", "CRAGRU, random ties", "Candidates, no LLM"}
    controls |= {"Popularity, no LLM", "Content, no LLM"}
    assert set(rows["cohort pilot"]) == {"Original", "Retrain", "CRAGRU", *controls}
    assert (table.loc[table["panel"] == "cohort pilot", "users"] == USERS).all()
    assert table.loc[table["method"] == "CRAGRU", "ties"].between(0, 1).all()


def test_without_the_llm_candidates_rank_as_their_source(folder):
    table = pd.read_csv(folder / "results/tiny/tables/table2.csv").query(
        "panel == 'cohort pilot' and k <= 10"
    )
    by_row = table.pivot_table(index=["metric", "k"], columns="method", values="mean")
    assert by_row["Candidates, no LLM"].tolist() == pytest.approx(
        by_row["Original"].tolist(), abs=1e-12
    )


def test_what_else_the_run_makes(folder):
    made = {path.name for path in (folder / "results/tiny").rglob("*.*")}
    assert {
        "cragru-cost.md",
        "cragru-cost.tex",
        "figure4.png",
        "figure4.pdf",
        "figure4.csv",
    } <= made
    costs = pd.read_csv(folder / "results/tiny/tables/cragru-cost.csv")
    seconds = [f"{part}_seconds" for part in ("filter", "prompt", "generation", "engine_start")]
    assert (costs[seconds] > 0).all(axis=None)


def test_the_log_goes_on_after_the_engines_start(folder):
    (log,) = (folder / "results/logs/score_prompts").rglob("*.log")
    assert "the engine started" in log.read_text()


def test_a_second_call_does_nothing(workflow, small, folder):
    assert workflow.plan(folder, config=small) == {}


def test_nothing_is_left_to_do_in_a_copy(workflow, small, folder, tmp_path):
    """The model and what strategies learnt are folders, whose dates are new."""
    assert workflow.plan(copied(folder, tmp_path / "run"), config=small) == {}


def test_a_caption_remakes_one_table(workflow, configure, settings, changed, folder):
    files = settings["files"] | changed("tables", "table2", "caption", "Other words.")
    other = configure(**settings | {"files": files})
    assert workflow.plan(folder, "table2", config=other) == {"table": 1, "table2": 1}


def model_with(files, tmp_path, **engine):
    """The run's language models, with other options of the engine."""
    content = yaml.safe_load(Path(files["llms"]).read_text())
    content["llms"]["smollm2-135m"]["engine"] |= engine
    path = tmp_path / "llms.yaml"
    path.write_text(yaml.safe_dump(content))
    return {"llms": str(path)}


def test_prompts_and_what_follows_for_an_edited_template(workflow, small, folder, tmp_path):
    """The copies lie to each other as the run and its sources do: a template is an input by its path from the run."""
    place = tmp_path / workflow.sources.parent.name / workflow.sources.name
    edited = Workflow(shutil.copytree(workflow.sources, place), workflow.key)
    directory = shutil.copytree(folder, tmp_path / "scoring" / "run", symlinks=True)
    assert edited.plan(directory, config=small) == {}
    template = place / "config/prompts/movielens.txt"
    template.write_text(template.read_text() + "Think of the genres.\n")
    assert edited.plan(directory, config=small) == WITH_PROMPTS


@pytest.mark.parametrize(
    ("option", "wanted"), [({"context": 2048}, WITH_PROMPTS), ({"sequences": 2}, AFTER_THE_LLM)]
)
def test_no_model_is_fetched_for_an_option_of_its_engine(
    workflow, configure, settings, folder, tmp_path, option, wanted
):
    """Its source, beside the option in the same entry, is as it was."""
    content = yaml.safe_load(Path(settings["files"]["llms"]).read_text())
    content["llms"]["smollm2-135m"]["engine"] |= option
    path = tmp_path / "llms.yaml"
    path.write_text(yaml.safe_dump(content))
    other = configure(**settings | {"files": settings["files"] | {"llms": str(path)}})
    assert workflow.plan(folder, config=other) == wanted


def test_no_other_prompts_for_a_strategy_added(workflow, configure, settings, folder):
    """Prompts of a state are asked together, so what follows is made of all, the others' from stored answers."""
    more = settings["retrieval"] | {"strategies": ["none", "random", "preference"]}
    other = configure(**settings | {"retrieval": more})
    own = ("fit_strategy", "select_histories", "build_prompts", "check_prompts")
    of_all = ("collect_scores", "rerank", "evaluate_cragru")
    wanted = AFTER_THE_LLM | dict.fromkeys(own, 1) | dict.fromkeys(of_all, 4)
    assert workflow.plan(folder, config=other) == wanted


def test_answers_repeat_to_the_byte_from_an_empty_store(workflow, small, folder, a_copy):
    before = answers(a_copy)
    assert len(before) == len(CELLS) * USERS / CHUNK
    shutil.rmtree(a_copy / "results/llm/smollm2-135m/answers")
    workflow.make(a_copy, "--forcerun", "score_prompts", config=small, cores=2)
    assert answers(a_copy) == before
    for of in CELLS:
        path = cell(a_copy, *of) / "scores.parquet"
        assert path.read_bytes() == (cell(folder, *of) / "scores.parquet").read_bytes()


def test_with_the_store_no_engine_starts(workflow, configure, settings, a_copy):
    """Other jobs share the work; each finds all its chunks answered."""
    shared = configure(**settings | {"scoring": settings["scoring"] | {"jobs": 3}})
    done = workflow.make(a_copy, config=shared, cores=2)
    assert done.jobs["score_prompts"] == 3
    logs = [
        path.read_text() for path in (a_copy / "results/logs/score_prompts").rglob("*-of-3.log")
    ]
    assert len(logs) == 3
    assert all("2 of 2 chunks of prompts are answered already" in log for log in logs)
    assert not any("the engine started" in log for log in logs)


def test_a_forgotten_row_in_a_prompt_stops_the_run(workflow, small, a_copy, parts):
    path = cell(a_copy) / "prompts.jsonl"
    records = prompts(a_copy)
    user = records[0]["user"]
    records[0]["rows"][0] = int(parts["forget"].loc[parts["forget"]["user"] == user, "row"].iloc[0])
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))
    done = workflow.run(a_copy, config=small, cores=2)
    assert done.rc != 0
    (error,) = done.errors
    assert "prompts.jsonl: " in error and "manifest.json" in error
    pass_for_made(a_copy, path.relative_to(a_copy).as_posix())
    done = workflow.run(a_copy, config=small, cores=2)
    assert done.rc != 0
    (error,) = done.errors
    assert re.search(rf"user\s+{user}:.*got\s+{records[0]['rows'][0]}\b", error)
    assert re.search(r"part\s+forget", error)
