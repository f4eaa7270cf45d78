import json

import pandas as pd
import pytest
from making import make
from refusals import refused

from cragru.reporting.averages import counted
from cragru.reporting.cost_table import NEEDED, cost_grid, cost_notes, cost_table
from cragru.reporting.costs import read_costs
from cragru.reporting.grid import markdown, significant
from cragru.reporting.latex import latex

COST = {
    "users": 32,
    "filter_seconds": 0.00123,
    "prompt_seconds": 0.25,
    "generation_seconds": 12.5,
    "prompt_tokens": 1234.5,
    "answer_tokens": 160.25,
    "dropped": 0.0,
    "tie_rate": 0.9125,
    "engine_start_seconds": 40.0,
}
PROOF = {"prompts": 32, "history_rows": 560, "forgotten_in_history": 0}
PROOF |= {"candidates": 640, "forgotten_candidates": 64}


def record(strategy="Random", seed=1, dataset="ML-100K", backbone="BPR", **changed):
    return {
        "dataset": dataset,
        "backbone": backbone,
        "strategy": strategy,
        "seed": seed,
        **COST,
        "lines": 16.0,
        "lines_chosen": 16.0,
        **changed,
    }


# --- numbers


def test_one_seed_is_its_own_mean_and_has_no_spread():
    (row,) = cost_table([record()]).to_dict("records")
    assert {name: row[name] for name in COST} == COST
    assert row["total_seconds"] == pytest.approx(12.75123)
    assert row["seeds"] == 1
    assert all(row[name] != row[name] for name in row if name.endswith("_sd"))  # missing


def test_mean_and_spread_over_seeds():
    seeds = [
        record(seed=1),
        record(seed=2, generation_seconds=14.5, users=30),
        record(seed=3, generation_seconds=10.5),
    ]
    (row,) = cost_table(seeds).to_dict("records")
    assert (row["generation_seconds"], row["generation_seconds_sd"]) == (
        12.5,
        2,
    )  # of 12.5, 14.5, 10.5; n - 1
    assert (row["total_seconds"], row["total_seconds_sd"]) == (
        pytest.approx(12.75123),
        pytest.approx(2),
    )
    assert row["filter_seconds_sd"] == pytest.approx(0)
    assert row["users"] == pytest.approx(94 / 3)
    assert row["seeds"] == 3


def on_a_cpu(seconds):
    """The fields of a warm CPU: half of the wall seconds are other processes'."""
    stages = {"filter": 0.5, "prompt": 1.0, "generation": seconds}
    walls = {f"{name}_seconds": 2 * own for name, own in stages.items()}
    cpus = {f"cpu_{name}_seconds": own for name, own in stages.items()}
    return {**walls, **cpus, "device": "cpu"}


def test_on_a_cpu_its_seconds_count_and_wall_seconds_stand_beside():
    seeds = [record(seed=seed, **on_a_cpu(seconds)) for seed, seconds in enumerate((2, 4, 6))]
    (row,) = cost_table(seeds).to_dict("records")
    assert (row["counts"], row["counted_generation_seconds"]) == ("cpu", 4)
    assert (row["counted_total_seconds"], row["counted_total_seconds_sd"]) == (5.5, 2)
    assert (row["total_seconds"], row["generation_seconds"]) == (11, 8)


def test_an_old_answer_makes_its_row_count_by_wall_seconds():
    older = on_a_cpu(4) | {"cpu_generation_seconds": None}
    table = cost_table([record(**on_a_cpu(2)), record("Attention", **older)])
    assert table["counted_total_seconds"].tolist() == [3.5, 11]
    header, grid = cost_grid(table)
    assert header[3:7] == [
        f"{name} [CPU s]" for name in ("Filter", "Prompt", "Generation", "Total")
    ]
    assert [text.value for text in grid[0]][3:7] == ["0.500", "1.00", "2.00", "3.50"]
    assert [text.value for text in grid[1]][3:7] == [
        "1.00 wall",
        "2.00 wall",
        "8.00 wall",
        "11.0 wall",
    ]
    assert 'Those marked "wall"' in cost_notes(table, "cpu")[0]


def test_rows_keep_their_order_and_do_not_mix():
    records = [
        record("Latest history", dropped=12),
        record("Random"),
        record("Random", backbone="LightGCN", dropped=3),
        record("Random", dataset="ML-1M", dropped=4),
    ]
    table = cost_table(records)
    assert [
        *zip(table["dataset"], table["backbone"], table["strategy"], table["dropped"], strict=True)
    ] == [
        ("ML-100K", "BPR", "Latest history", 12),
        ("ML-100K", "BPR", "Random", 0),
        ("ML-100K", "LightGCN", "Random", 3),
        ("ML-1M", "BPR", "Random", 4),
    ]


def test_what_else_a_record_holds_is_left_out():
    assert "device" not in cost_table([record(device="cpu")])


@pytest.mark.parametrize("field", ["dropped", "users", "tie_rate"])
@pytest.mark.parametrize("is_there", [True, False])
def test_missing_numbers_are_named(tmp_path, field, is_there):
    """Whether the field is not there or null."""
    broken = {name: None if name == field else value for name, value in COST.items()}
    if not is_there:
        del broken[field]
    rows = []
    for seed, cost in enumerate((COST, broken)):
        path = tmp_path / f"{seed}.json"
        path.write_text(json.dumps(cost))
        rows.append({"cost": str(path)})
    with refused() as caught:
        read_costs(rows, NEEDED)
    assert "1.json" in str(caught.value)
    assert field in str(caught.value)


def test_a_row_must_not_be_there_twice():
    with refused(place="ML-100K, BPR, Random, seed 1", what="there twice"):
        cost_table([record(), record(seed=2), record()])


# --- texts


def test_grid():
    header, grid = cost_grid(cost_table([record(lines=17.25, lines_chosen=100.3)]))
    names = [
        "Data set",
        "Backbone",
        "Retrieval",
        "Filter [s]",
        "Prompt [s]",
        "Generation [s]",
        "Total [s]",
    ]
    assert header == [*names, "Tokens in", "Tokens out", "History lines", "Ties [%]"]
    shown = ["0.00123", "0.250", "12.5", "12.8", "1,234", "160", "17.2 of 100", "91.2"]
    assert [text.value for text in grid[0]] == ["ML-100K", "BPR", "Random", *shown]
    assert not any(text.mark or text.paper for row in grid for text in row)


def test_grid_shows_the_spread_of_the_total_alone():
    _, grid = cost_grid(cost_table([record(), record(seed=2, generation_seconds=14.5)]))
    assert [text.value for text in grid[0][3:7]] == ["0.00123", "0.250", "13.5", "13.8 ± 1.4"]


def test_grid_can_be_rendered():
    header, grid = cost_grid(cost_table([record("Random"), record("Attention")]))
    assert "| 0.00123" in markdown(header, grid, "Costs")
    assert r"Ties {[}\%]" in latex(header, grid, "Costs", "tab:cost")


DIGITS = [
    (0, "0"),
    (0.00000512, "5.12e-06"),
    (0.00009996, "0.000100"),
    (0.000123456, "0.000123"),
    (0.1, "0.100"),
    (1, "1.00"),
    (9.994, "9.99"),
    (9.996, "10.0"),
    (99.96, "100"),
    (1234.5678, "1,235"),
    (1234567, "1,234,567"),
]


@pytest.mark.parametrize(("value", "expected"), DIGITS)
def test_three_significant_digits(value, expected):
    assert significant(value) == expected


def test_other_numbers_of_digits():
    assert [significant(0.00123, digits) for digits in (1, 2, 4)] == ["0.001", "0.0012", "0.001230"]


# --- notes


def test_notes():
    table = cost_table([record(), record("Attention", engine_start_seconds=20)])
    (note,) = cost_notes(table, "cpu", "Scored by a small LLM.")
    assert note.startswith(
        "Per user, with a warm engine on cpu; n = 32 users; one seed. Seconds are wall seconds, "
    )
    assert (
        "Generation: a whole chunk of prompts, which are answered together, divided by its users"
        in note
    )
    assert "Not in the total: to start the engine, 30.0 wall seconds on average." in note
    assert note.endswith("1 - distinct scores / candidates. Scored by a small LLM.")


def test_notes_of_several_seeds_and_no_known_device():
    (note,) = cost_notes(cost_table([record(), record(seed=2), record("Attention", users=30)]), "")
    assert note.startswith(
        "Per user, with a warm engine; n = 30 to 32 users; mean over 2 seeds, ± their standard deviation. "
    )
    assert note.endswith("candidates.")


def test_users_are_counted():
    assert counted([32.0, 32.0]) == "32 users"
    assert counted([24, 31.7, 30]) == "24 to 32 users"
    assert counted([1]) == "1 user"


# --- its files


def test_it_is_made(tmp_path):
    proof, rows = tmp_path / "checked.json", []
    proof.write_text(json.dumps(PROOF))
    costs = [COST | {"device": "cpu"}, COST | {"device": "cpu", "dropped": 5.0}, COST]
    named = [("Random", 1), ("Random", 2), ("Attention", 1)]
    for number, (cost, (strategy, seed)) in enumerate(zip(costs, named, strict=True)):
        path = tmp_path / f"{number}.json"
        path.write_text(json.dumps(cost))
        rows.append(
            {
                "dataset": "ML",
                "backbone": "BPR",
                "strategy": strategy,
                "seed": seed,
                "cost": str(path),
                "check": str(proof),
            }
        )
    made = make("table", tmp_path, "cost_table", rows, {}, {"note": "By hand."})
    assert made["csv"].read_text().count("\n") == 3
    text = made["md"].read_text()
    table = pd.read_csv(made["csv"])
    assert table["lines"].tolist() == [17.5, 17.5]  # 560 lines in 32 prompts
    assert table["lines_chosen"].tolist() == [20, 17.5]  # a seed left out none, the other 5 a user
    for part in (
        "| Random ",
        "| 17.5 of 20.0 ",
        "| Attention ",
        "warm engine on cpu;",
        "candidates. By hand.",
    ):
        assert part in text
    assert r"\label{tab:made}" in made["tex"].read_text()
