"""Unlearning methods through the workflow: rows of Table II, requests that spare shards, and a new method."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml
from snakemake_calls import METHODS, Workflow, copied

from cragru.kept.files import read_json, sha256

pytestmark = pytest.mark.slow

STATE, DRAW = "results/toy/one-user/1/bpr", "results/toy/one-user/1/draw-1/bpr"
SHARDED = ("sisa-users", "receraser-ubp")


def test_table_two_has_every_method_of_the_run(unlearned):
    table = pd.read_csv(unlearned / "results/tiny/tables/table2.csv")
    assert table["method"].unique().tolist() == [
        "Original",
        "Retrain",
        "SISA (users)",
        "RecEraser (UBP)",
        "IFRU",
    ]
    assert table["mean"].between(0, 1).all()


@pytest.mark.parametrize("method", SHARDED)
def test_a_request_keeps_the_bytes_of_the_shards_that_it_spares(unlearned, method):
    before, after = (
        unlearned / folder / "shards"
        for folder in (f"{STATE}/{method}/before", f"{DRAW}/{method}/after")
    )
    names = [f"shard-{shard:02d}.safetensors" for shard in range(3)]
    assert [sorted(path.name for path in folder.glob("shard*")) for folder in (before, after)] == [
        names,
        names,
    ]
    changed = [name for name in names if sha256(before / name) != sha256(after / name)]
    cost = read_json(unlearned / DRAW / method / "cost.json")
    assert len(changed) == cost["shards_touched"] == 1
    partition = pd.read_parquet(unlearned / STATE / method / "before/partition.parquet").set_index(
        "row"
    )["shard"]
    forgotten = pd.read_parquet(unlearned / "results/toy/one-user/1/draw-1/split/forget.parquet")[
        "row"
    ]
    assert {f"shard-{shard:02d}.safetensors" for shard in partition[forgotten]} == set(changed)
    left = pd.read_parquet(unlearned / DRAW / method / "after/partition.parquet")
    assert not set(left["row"]) & set(forgotten)
    assert (partition[left["row"]].to_numpy() == left["shard"].to_numpy()).all()


def test_costs_of_a_request(unlearned):
    costs = {
        method: read_json(unlearned / DRAW / method / "cost.json") for method in (*SHARDED, "ifru")
    }
    for method in SHARDED:
        assert costs[method]["optimiser_steps"] > 0
        assert costs[method]["seconds_parallel"] <= costs[method]["seconds_sequential"]
        assert 0 < costs[method]["cpu_seconds_parallel"] <= costs[method]["cpu_seconds_sequential"]
        assert costs[method]["repeats"] == 3
    assert costs["receraser-ubp"]["stages"]["aggregate"] > 0
    assert costs["ifru"]["hessian_products"] > 0
    assert costs["ifru"]["shards_touched"] == costs["ifru"]["optimiser_steps"] == 0


def test_a_forget_set_of_everybody_touches_all_shards(unlearned):
    cost = read_json(unlearned / "results/toy/paper/1/bpr/sisa-users/cost.json")
    assert cost["shards_touched"] == 3
    assert 0 < cost["seconds_parallel"] < cost["seconds_sequential"]


@pytest.mark.parametrize("method", METHODS)
def test_a_method_opens_the_forget_set_only_if_its_entry_says_so(unlearned, method):
    inputs = read_json(unlearned / f"results/toy/paper/1/bpr/{method}/manifest.json")["inputs"]
    opened = any(Path(path).name == "forget.parquet" for path in inputs)
    assert opened == (method == "ifru")


def test_the_choice_of_the_damping_is_on_file(unlearned):
    search = pd.read_csv(unlearned / "results/toy/paper/1/bpr/ifru/damping.csv")
    assert {"damping", "ndcg", "loss", "two_sided", "distance", "left", "seconds"} <= set(search)
    facts = read_json(unlearned / "results/toy/paper/1/bpr/ifru/damping-manifest.json")["facts"]
    assert facts["chosen"] is None or facts["chosen"] in search["damping"].tolist()


def test_rates_and_patiences_are_tried_on_validation_rows(unlearned, workflow, each_kind, tmp_path):
    """Of Retrain the backbone is trained, of a method with shards these; no search reads a model or a test row."""
    folder, state = copied(unlearned, tmp_path / "run"), "results/toy/paper/1/bpr"
    wanted = [f"{state}/{name}/tuning.csv" for name in ("retrain", "sisa-users")]
    workflow.make(folder, *wanted, config=each_kind, cores=2)
    for path in wanted:
        search = pd.read_csv(folder / path)
        assert len(search) == 6
        assert search["ndcg"].between(0, 1).all()
        manifest = read_json((folder / path).with_name("tuning-manifest.json"))
        assert manifest["facts"]["patience"] in (10, 30)
        read = {Path(name).name for name in manifest["inputs"]}
        assert not read & {"test.parquet", "forget.parquet", "model.safetensors"}


def test_nothing_is_left_to_do(unlearned, workflow, each_kind, tmp_path):
    """Nor for another copy of the sources, as each process of tests has one."""
    copied = Workflow(shutil.copytree(workflow.sources, tmp_path / "checkout" / "cragru"))
    for anyone in (workflow, copied):
        planned = anyone.plan(
            unlearned, "table2", f"{DRAW}/receraser-ubp/cost.json", config=each_kind
        )
        assert planned == {}


def test_nothing_is_left_to_do_in_a_copy(unlearned, workflow, each_kind, tmp_path):
    """Its published files and deployed shards are folders, whose dates are new."""
    wanted = "table2", f"{DRAW}/receraser-ubp/cost.json"
    assert workflow.plan(copied(unlearned, tmp_path / "run"), *wanted, config=each_kind) == {}


def test_another_damping_solves_anew_and_trains_nothing(
    unlearned, workflow, configure, toy, tmp_path
):
    params = yaml.safe_load(Path(toy.params).read_text())
    params["methods"]["ifru"]["options"]["damping"] = 7.0
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    files = {"params": str(tmp_path / "params.yaml")}
    config = configure(files, backbones=["bpr"], seeds=[1], methods=METHODS, tables=["table2"])
    assert workflow.plan(unlearned, "table2", config=config) == {
        "unlearn": 1,
        "evaluate": 1,
        "table": 1,
        "table2": 1,
    }


def test_more_shards_than_users_is_one_line(unlearned, workflow, configure, toy, tmp_path):
    params = yaml.safe_load(Path(toy.params).read_text())
    params["methods"]["sisa-users"]["options"]["shards"] = 41
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    config = configure({"params": str(tmp_path / "params.yaml")}, methods=["sisa-users"])
    shutil.copytree(unlearned, tmp_path / "run")
    refused = workflow.run(
        tmp_path / "run", "results/toy/paper/1/bpr/sisa-users/cost.json", config=config
    )
    assert refused.rc == 1
    assert re.search(r"\bmethods.sisa-users.options.shards:.*\b41\b", refused.output)
    assert "Building DAG" not in refused.log
