"""Table III: medians, spreads and ratios by hand, what it says below, and its script."""

import json

import pandas as pd
import pytest
from making import make
from refusals import refused

from cragru.core.clock import Seconds
from cragru.reporting import time_table as module
from cragru.reporting.grid import markdown
from cragru.reporting.latex import latex
from cragru.reporting.time_table import requester_note, time_grid, time_notes
from cragru.unlearning.base import Cost

COST = {
    "seconds_sequential": 80.0,
    "seconds_parallel": 80.0,
    "shards_touched": 1,
    "optimiser_steps": 100,
    "hessian_products": 0,
    "device": "cpu",
    "stages": {},
    "cpu_seconds_sequential": 8.0,
    "cpu_seconds_parallel": 8.0,
    "cpu_stages": {},
    "repeats": 1,
    "spread": {"seconds_sequential": [80.0, 80.0], "cpu_seconds_sequential": [8.0, 8.0]},
}
PAPER = "dataset,backbone,method,unlearning_seconds\nML,BPR,Retrain,248\nML,BPR,SISA,27.5\nML,BPR,CRAGRU,1400\n"
RETRAIN = [8.0, 12.0, 9.0, 10.0]  # CPU seconds of draw-1 and draw-2 under seeds 1 and 2: median 9.5
SHARDS = [2.0, 1.0, 4.0, 3.0]  # median 2.5


def time_table(records, paper):
    return module.time_table(records, "Retrain", paper)


def record(method="Retrain", seed=1, request="draw-1", backbone="BPR", paper=None, **changed):
    names = {
        "dataset": "ML",
        "backbone": backbone,
        "method": method,
        "seed": seed,
        "request": request,
    }
    return COST | names | {"printed": paper or method, "ready": "all users"} | changed


def cpu(sequential, parallel):
    """CPU seconds, and the wall seconds of a busy machine."""
    return {
        "cpu_seconds_sequential": sequential,
        "cpu_seconds_parallel": parallel,
        "seconds_sequential": 10 * sequential,
        "seconds_parallel": None if parallel is None else 10 * parallel,
    }


def rows(method, seconds, **changed):
    """The records of a row: four requests, two under each of two seeds."""
    places = [(seed, f"draw-{number}") for seed in (1, 2) for number in (1, 2)]
    times = [cpu(value, value / 2) for value in seconds]
    return [
        record(method, *place, **time, **changed) for place, time in zip(places, times, strict=True)
    ]


def answered(seconds, **changed):
    """The records of CRAGRU's row."""
    changed = {"ready": "the requester", "shards_touched": 0, "optimiser_steps": 0} | changed
    return rows("CRAGRU", seconds, **{"engine_start_seconds": 40.0} | changed)


def texts(table):
    """Cells of the grid, by the row's method and the column's name."""
    header, grid = time_grid(table)
    return {
        row[2].value: dict(zip(header, (text.value for text in row), strict=True)) for row in grid
    }


@pytest.fixture
def paper(tmp_path):
    path = tmp_path / "table3.csv"
    path.write_text(PAPER)
    return path


# --- numbers


def test_medians_quartiles_and_extremes_over_requests_and_seeds():
    (row,) = time_table(rows("Retrain", RETRAIN), None).to_dict("records")
    endings = ("_min", "_q1", "", "_q3", "_max")
    spread = [row[f"counted_seconds_sequential{name}"] for name in endings]
    assert spread == [8, 8.75, 9.5, 10.5, 12]  # of 8, 9, 10, 12
    assert [row[f"counted_seconds_parallel{name}"] for name in ("_min", "", "_max")] == [4, 4.75, 6]
    walls = [row[f"seconds_sequential{name}"] for name in endings]
    assert walls == [80, 87.5, 95, 105, 120]
    assert row["counts"] == "cpu"
    assert (row["measured"], row["requests"], row["seeds"]) == (4, 2, 2)


def test_medians_of_counts():
    steps = [100, 300, 200, 1000]
    made = [
        record("SCIF", 1, f"draw-{n}", optimiser_steps=n, hessian_products=2 * n, shards_touched=n)
        for n in steps
    ]
    (row,) = time_table(made, None).to_dict("records")
    assert (row["shards_touched"], row["optimiser_steps"], row["hessian_products"]) == (
        250,
        250,
        500,
    )


def test_seconds_are_held_against_retrain_s():
    """SISA takes 2.5 s where Retrain takes 9.5: 3.8 times as fast, whatever else is faster."""
    table = time_table(
        [*rows("Retrain", RETRAIN), *rows("SISA", SHARDS), *answered([19, 19, 19, 19])], None
    )
    assert table["times_retrain"].tolist() == [1, 9.5 / 2.5, 9.5 / 19]
    shown = {name: line["\N{MULTIPLICATION SIGN} Retrain"] for name, line in texts(table).items()}
    assert shown == {"Retrain": "1.00", "SISA": "3.80", "CRAGRU": "0.500"}


def test_retrain_is_that_of_the_same_data_set_and_backbone():
    table = time_table(
        [
            record(),
            record("SISA", **cpu(2.0, 2.0)),
            record(backbone="LightGCN", **cpu(3.0, 3.0)),
            record("SISA", backbone="LightGCN", **cpu(6.0, 6.0)),
        ],
        None,
    )
    assert table["times_retrain"].tolist() == [1, 4, 1, 0.5]


def test_without_retrain_nothing_is_held_against_it():
    table = time_table(rows("SISA", SHARDS), None)
    assert table["times_retrain"].isna().all()
    assert texts(table)["SISA"]["\N{MULTIPLICATION SIGN} Retrain"] == ""


@pytest.mark.parametrize("without", [1, 4])
def test_no_parallel_seconds_where_a_request_has_none(without):
    made = [
        record(request=f"draw-{n}", **cpu(8.0, None if n <= without else 1.0)) for n in range(1, 5)
    ]
    table = time_table(made, None)
    assert table.filter(regex="seconds_parallel").isna().all(axis=None)
    assert texts(table)["Retrain"]["Parallel [CPU s]"] == ""
    assert texts(table)["Retrain"]["Sequential [CPU s]"] == "8.00 (8.00\N{EN DASH}8.00)"


def test_rows_keep_their_order():
    names = ["Retrain", "SISA", "IFRU", "GraphEraser"]
    assert time_table(map(record, names), None)["method"].tolist() == names


def test_where_a_server_answers_wall_seconds_count_and_are_marked():
    """Its seconds are held against the CPU seconds of Retrain, which no other work on the machine makes longer."""
    asked = answered([2, 2, 2, 2], device="server")
    unknown = dict.fromkeys(["cpu_seconds_sequential", "cpu_seconds_parallel"])
    table = time_table([*rows("Retrain", RETRAIN), *(one | unknown for one in asked)], None)
    assert table["counts"].tolist() == ["cpu", "wall"]
    assert table["times_retrain"].tolist() == [1, 9.5 / 20]
    shown = texts(table)
    assert shown["CRAGRU"]["Sequential [CPU s]"].endswith(" wall")
    assert "wall" not in shown["Retrain"]["Sequential [CPU s]"]
    assert 'Those marked "wall"' in time_notes(table, "one user", ["cpu"])[0]


def test_on_a_gpu_wall_seconds_count():
    table = time_table(rows("Retrain", RETRAIN, device="cuda:0"), None)
    assert table["counted_seconds_sequential"].tolist() == [95]
    assert texts(table)["Retrain"]["Sequential [s]"] == "95.0 (80.0\N{EN DASH}120)"


def test_a_busy_machine_changes_wall_seconds_alone():
    idle = [*rows("Retrain", RETRAIN), *rows("SISA", SHARDS)]
    busy = [one | {"seconds_sequential": 77.0, "seconds_parallel": 70.0} for one in idle]
    tables = [time_table(records, None) for records in (idle, busy)]
    assert time_grid(tables[0]) == time_grid(tables[1])
    assert tables[1]["seconds_sequential"].tolist() == [77, 77]


def test_steps_per_second_are_of_the_seconds_that_count():
    table = time_table([record(), record("IFRU", optimiser_steps=0)], None)
    assert table["steps_per_second"].tolist()[0] == 100 / 8
    assert table["steps_per_second"].isna().tolist() == [False, True]


# --- printed values


def test_printed_values_stand_beside_the_first_variant(paper):
    made = [
        record(),
        record("SISA (users)", paper="SISA"),
        record("SISA (interactions)", paper="SISA"),
        record("IFRU"),
    ]
    table = time_table([*made, *answered([5, 5, 5, 5])], paper)
    assert table["paper"].astype(object).where(table["paper"].notna(), None).tolist() == [
        248,
        27.5,
        None,
        None,
        1400,
    ]
    _, grid = time_grid(table)
    assert [row[3].paper for row in grid] == ["248", "27.5", "", "", "1,400"]
    assert not any(text.paper for row in grid for place, text in enumerate(row) if place != 3)


def test_without_printed_values():
    table = time_table([record()], None)
    assert table["paper"].isna().all()
    assert time_grid(table)[1][0][3].paper == ""


# --- what is wrong


@pytest.mark.parametrize("field", ["seconds_parallel", "hessian_products", "device"])
def test_missing_fields_are_named(tmp_path, paper, field):
    broken = record("SISA", seed=2, request="draw-7")
    del broken[field]
    with refused() as caught:
        made(tmp_path, paper, [record(), broken])
    assert "cost-1.json" in str(caught.value)
    assert field in str(caught.value)


def test_sequential_seconds_must_not_be_null(tmp_path, paper):
    with refused() as caught:
        made(tmp_path, paper, [record(seconds_sequential=None)])
    assert "cost-0.json" in str(caught.value)
    assert "seconds_sequential" in str(caught.value)


def test_a_request_must_not_be_there_twice():
    with refused(place="ML, BPR, Retrain, draw-1, seed 1", what="there twice"):
        time_table([record(), record(seed=2), record()], None)


def test_a_methods_cost_has_the_fields():
    assert Cost(Seconds(80, 8), Seconds(80, 8), 1, 100, 0, "cpu").as_dict() == COST


# --- texts


def test_grid():
    header, grid = time_grid(
        time_table([*rows("Retrain", RETRAIN), *answered([0.5, 1, 1, 2000])], None)
    )
    counts = [
        "Shards",
        "Steps",
        "HVPs",
        "\N{MULTIPLICATION SIGN} Retrain",
        "Scores ready for",
        "Engine start [s]",
    ]
    assert header == [
        "Data set",
        "Backbone",
        "Method",
        "Sequential [CPU s]",
        "Parallel [CPU s]",
        *counts,
    ]
    retrain, cragru = ([text.value for text in row] for row in grid)
    seconds = ["9.50 (8.00\N{EN DASH}12.0)", "4.75 (4.00\N{EN DASH}6.00)"]
    assert retrain == ["ML", "BPR", "Retrain", *seconds, "1", "100", "0", "1.00", "all users", ""]
    assert cragru[2:4] == ["CRAGRU", "1.00 (0.500\N{EN DASH}2,000)"]
    assert cragru[5:] == ["0", "0", "0", "9.50", "the requester", "40.0"]
    assert not any(
        text.mark for row in grid for text in row
    )  # a row that serves one user is no rival


def test_counts_between_two_requests_keep_their_half():
    table = time_table(
        [record(optimiser_steps=2000), record(request="draw-2", optimiser_steps=2001)], None
    )
    assert texts(table)["Retrain"]["Steps"] == "2,000.5"


def test_one_request_has_no_spread():
    assert texts(time_table([record()], None))["Retrain"]["Sequential [CPU s]"] == "8.00"


def test_without_cragru_there_is_no_column_for_the_engine():
    header, grid = time_grid(time_table([record()], None))
    assert header[-1] == "Scores ready for"
    assert len(grid[0]) == len(header)


def test_grid_can_be_rendered(paper):
    header, grid = time_grid(
        time_table([*rows("Retrain", RETRAIN), *answered([5, 5, 5, 6])], paper)
    )
    assert "| 9.50 (8.00\N{EN DASH}12.0) [248]" in markdown(header, grid, "Times")
    rendered = latex(header, grid, "Times", "tab:time", ["under 5 %"])
    for part in (r"Sequential {[}CPU s]", "9.50 (8.00--12.0)", r"under 5 \%"):
        assert part in rendered


# --- notes


def test_notes_say_what_was_measured_and_where():
    (note,) = time_notes(time_table(rows("Retrain", RETRAIN), None), "one user", ["cpu", "cuda:0"])
    assert note.startswith(
        "Protocol: one user. Median (smallest\N{EN DASH}largest) over n = 4 (2 requests under each of 2 seeds); "
        "methods ran on cpu and cuda:0. Seconds are CPU seconds, "
    )


def test_notes_of_one_request():
    (note,) = time_notes(time_table([record()], None), "one user", ["cpu"])
    assert "Median over n = 1 (1 request under 1 seed); methods ran on cpu." in note


def check(history=0, candidates=20, forgotten=5):
    return {
        "prompts": 1,
        "history_rows": history,
        "forgotten_in_history": 0,
        "candidates": candidates,
        "forgotten_candidates": forgotten,
    }


def test_the_note_on_cragru_has_the_share_of_forgotten_candidates():
    checks = [
        ("BPR on ML", check()),
        ("LightGCN on ML", check(forgotten=1)),
        ("BPR on ML", check(forgotten=2)),
    ]
    note = requester_note(checks, ["cpu"], "A small LLM scores the 20 best candidates.")
    assert "for who asks alone" in note
    assert "by itself, on cpu. It is measured once. The engine is warm" in note
    assert "A small LLM scores the 20 best candidates. Nothing remains of those who ask" in note
    assert (
        "training rows of the request: BPR on ML: 17.5%; LightGCN on ML: 5.0%. The paper's" in note
    )


def test_the_note_on_cragru_where_something_remains():
    note = requester_note([("BPR on ML", check(history=1200))], ["server"], "")
    assert (
        "None of the 1,200 history lines of their prompts is a forgotten interaction. The original"
        in note
    )


# --- its files


def made(tmp_path, paper, records, checks=None):
    """The table, with costs and proofs in files; `checks` by the place of their record."""
    rows = []
    for number, of in enumerate(records):
        files = {"cost": tmp_path / f"cost-{number}.json", "check": None}
        measured = {*COST, "engine_start_seconds"}
        files["cost"].write_text(json.dumps({name: of[name] for name in of if name in measured}))
        if number in (checks or {}):
            files["check"] = tmp_path / f"check-{number}.json"
            files["check"].write_text(json.dumps(checks[number]))
        rows.append({name: value for name, value in of.items() if name not in measured} | files)
    return make(
        "table",
        tmp_path,
        "time_table",
        rows,
        {},
        {"title": "one user", "retrain": "Retrain", "note": "Small."},
        paper=paper,
    )


def test_it_is_made(tmp_path, paper):
    records = [
        record(),
        record("CRAGRU", ready="the requester", engine_start_seconds=40.0, device="NVIDIA H200"),
    ]
    files = made(tmp_path, paper, records, {1: check()})
    table = pd.read_csv(files["csv"])
    assert table["method"].tolist() == ["Retrain", "CRAGRU"]
    assert table["paper"].tolist() == [248, 1400]
    text = files["md"].read_text()
    for part in (
        "methods ran on cpu. ",
        "by itself, on NVIDIA H200. ",
        "Small. Nothing remains",
        "ML: 25.0%.",
    ):
        assert part in text
    assert r"\label{tab:made}" in files["tex"].read_text()


def test_it_is_made_without_cragru(tmp_path, paper):
    text = made(tmp_path, paper, [record()])["md"].read_text()
    assert "Engine start" not in text
    assert "CRAGRU" not in text
