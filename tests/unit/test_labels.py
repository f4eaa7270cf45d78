"""Tables that are made of another table's CSV have the same numbers under any label."""

import pandas as pd
import pytest
from making import make
from test_claims_table import LARGE, times
from test_differences import row

from cragru.evaluation.columns import PER_USER
from cragru.kept.csv_files import read_csv, write_csv
from cragru.kept.files import write_json, write_parquet
from cragru.reporting.claims_table import TIMES as OF_CLAIMS
from cragru.reporting.claims_table import speed_claims
from cragru.reporting.size_table import TIMES as OF_SIZES
from cragru.reporting.size_table import size_table
from cragru.reporting.time_table import time_table

SECONDS = {"Retrain": (10, 9, 11), "CRAGRU": (4, 2, 8), "SISA": (5, 5, 5)}
LABELS = ["BPR", "NA", "null", "nan", "1", "2", "True", "a,b"]
NUMBERS = ["one_user", "large", "growth"]


def of_two_backbones(label, tmp_path):
    """Table III of LightGCN and of a backbone with this label, as its CSV has it."""
    first = times(**SECONDS).assign(backbone="LightGCN")
    second = times(**{name: tuple(2 * s for s in three) for name, three in SECONDS.items()})
    write_csv(tmp_path / "times.csv", pd.concat([first, second.assign(backbone=label)]))
    return tmp_path / "times.csv"


@pytest.mark.parametrize("label", LABELS)
def test_speed_ups_are_of_every_backbone(tmp_path, label):
    claims = speed_claims(read_csv(of_two_backbones(label, tmp_path), OF_CLAIMS), "CRAGRU")
    assert claims["backbone"].tolist() == ["LightGCN", label]
    assert claims["value"].tolist() == [1.25, 1.25]
    assert claims["high"].tolist() == [2.5, 2.5]


@pytest.mark.parametrize("label", LABELS)
def test_request_sizes_are_of_every_backbone(tmp_path, label):
    large = [
        record | {"backbone": backbone} for backbone in ("LightGCN", label) for record in LARGE
    ]
    frame = read_csv(of_two_backbones(label, tmp_path), OF_SIZES)
    table = size_table(frame, large, {"Toy": 100}, "Retrain")
    assert table[["backbone", "method", *NUMBERS]].values.tolist() == [
        ["LightGCN", "Retrain", 10, 40, 4],
        ["LightGCN", "CRAGRU", 4, 200, 50],
        ["LightGCN", "SISA", 5, 1, 0.2],
        [label, "Retrain", 20, 40, 2],
        [label, "CRAGRU", 8, 200, 25],
        [label, "SISA", 10, 1, 0.1],
    ]


@pytest.mark.parametrize("label", LABELS)
def test_table_three_has_what_the_others_read(tmp_path, label):
    cost = {
        "seconds_sequential": 4.0,
        "seconds_parallel": 2.0,
        "cpu_seconds_sequential": 3.0,
        "cpu_seconds_parallel": 1.0,
        "shards_touched": 1,
        "optimiser_steps": 3,
    }
    names = {"dataset": label, "backbone": label, "printed": label, "ready": "all users", "seed": 1}
    records = [
        cost
        | names
        | {"hessian_products": 0, "device": "cpu", "method": method, "request": "draw-1"}
        for method in (label, "other")
    ]
    write_csv(tmp_path / "times.csv", time_table(records, "Retrain", None))
    for schema in (OF_CLAIMS, OF_SIZES):
        frame = read_csv(tmp_path / "times.csv", schema)
        assert frame["method"].tolist() == [label, "other"]
        assert frame["dataset"].tolist() == frame["backbone"].tolist() == [label] * 2


@pytest.mark.parametrize("label", LABELS)
def test_request_sizes_are_made_by_their_script(tmp_path, label):
    write_json(tmp_path / "statistics.json", {"users": 100, "items": 5})
    cost = {"seconds_sequential": 70.0, "cpu_seconds_sequential": 40.0, "device": "cpu"}
    write_json(tmp_path / "cost.json", cost)
    files = {"cost": str(tmp_path / "cost.json"), "statistics": str(tmp_path / "statistics.json")}
    names = {"dataset": "Toy", "backbone": label, "method": "Retrain", "seed": 1, "cohort": None}
    words = {"titles": ["one user leaves", "a tenth is forgotten"], "retrain": "Retrain"}
    path = of_two_backbones(label, tmp_path)
    made = make("table", tmp_path, "size_table", [names | files], {}, words, times=path)
    schema = {"backbone": "object", "growth": "float64"}
    assert read_csv(made["csv"], schema).values.tolist() == [[label, 2]]


@pytest.mark.parametrize("label", ["SISA", "NA", "1", "True"])
def test_stars_are_of_every_method(tmp_path, label):
    rows = []
    for number, one in enumerate([*row("Retrain", [9, 9]), *row(label, 0)]):
        path = tmp_path / f"{number}.parquet"
        write_parquet(path, one.per_user, PER_USER)
        names = {"panel": "all", "dataset": label, "backbone": label, "method": one.method}
        files = {"per_user": path, "cohort": None, "cost": None, "check": None}
        names |= {"seed": one.seed, "training": one.training, "source": None}
        rows.append(names | {"printed": one.method} | files)
    spec = {"mask": "A", "cutoffs": [5]}
    words = {"references": {"all": "Retrain"}, "retrain": "Retrain"}
    (tests,) = make("differences", tmp_path, "differences", rows, spec, words).values()
    tests = tests.rename(tmp_path / "tests.csv")
    spec, words = spec | {"least_users": 10}, words | {"title": "by hand"}
    outputs = make("table", tmp_path, "utility_table", rows, spec, words, tests=tests)
    lines = [line.split("|") for line in outputs["md"].read_text().splitlines() if "|" in line]
    (head,) = [cells for cells in lines if " Method " in "|".join(cells)]
    own = [place for place, name in enumerate(head) if name.strip() in ("HR@5", "NDCG@5")]
    assert sum("0.00 ± 0.00*" in cells[place] for cells in lines for place in own) == 2
