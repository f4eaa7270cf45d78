"""Scripts that measure forgetting: on a small split, against the library's own answers."""

import runpy
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from configuration import ROOT
from snakemake.iocontainers import Namedlist

from cragru.backbones.base import FactorModel
from cragru.data.frames import INTERACTIONS
from cragru.data.parts import read_all_parts, write_parts
from cragru.data.split import forget_interactions, forget_users
from cragru.evaluation import completeness as library
from cragru.evaluation.bias_columns import ITEM_ROWS, LISTS, USER_GROUPS
from cragru.evaluation.completeness_columns import COMPLETENESS, FORGET_REMAIN, MEMBERSHIP, VARIANT
from cragru.evaluation.reranked import RerankedScorer
from cragru.kept.files import read_parquet, write_json, write_parquet
from cragru.llm.reranking import RERANKED, VARIANTS

USERS, ITEMS, SEED = 10, 20, 7
WITH_LISTS = (2, 6)
COLUMNS = {"membership": MEMBERSHIP, "completeness": COMPLETENESS, "forget_remain": FORGET_REMAIN}


MODELS = ("model", "original", "shadow-1", "shadow-2")


@pytest.fixture
def inputs(tmp_path):
    """A split, four models of it, two of which are shadows, and re-ranked lists of two users."""
    user = np.repeat(np.arange(USERS), 12)
    item = (np.arange(12 * USERS) * 7 + user) % ITEMS
    interactions = pd.DataFrame({"user": user, "item": item, "rating": 5, "timestamp": 0}).astype(
        INTERACTIONS
    )
    assert not interactions.duplicated(["user", "item"]).any()
    write_parquet(tmp_path / "interactions.parquet", interactions, INTERACTIONS)
    write_json(tmp_path / "statistics.json", {"users": USERS, "items": ITEMS})
    write_parts(
        tmp_path, forget_interactions(interactions, 0.2, (0.6, 0.1, 0.3), seed=1), interactions
    )
    generator = torch.Generator().manual_seed(3)
    for name in MODELS:
        users, items = (torch.randn(size, 4, generator=generator) for size in (USERS, ITEMS))
        FactorModel(users, items, users, items).save(tmp_path / f"{name}.safetensors")
    rows = [
        (variant, user, 1 + (place + shift) % 3, place)
        for shift, variant in enumerate(VARIANTS)
        for user in WITH_LISTS
        for place in range(3)
    ]
    write_parquet(
        tmp_path / "lists.parquet",
        pd.DataFrame(rows, columns=list(RERANKED)).astype(RERANKED),
        RERANKED,
    )
    paths = {name: tmp_path / f"{name}.safetensors" for name in MODELS[:2]}
    paths["shadows"] = [tmp_path / f"{name}.safetensors" for name in MODELS[2:]]
    paths |= {name: tmp_path / f"{name}.parquet" for name in ("interactions", "forget", "train")}
    return paths | {"record": tmp_path / "split.json", "statistics": tmp_path / "statistics.json"}


def run(script, inputs, folder, *outputs):
    """Run a script's work; returns the paths of its outputs."""
    paths = {name: folder / f"out-{name}.parquet" for name in outputs}
    job = SimpleNamespace(
        input=Namedlist(fromdict=inputs),
        output=Namedlist(fromdict=paths),
        wildcards=SimpleNamespace(seed=str(SEED)),
    )
    runpy.run_path(str(ROOT / "scripts" / f"{script}.py"))["main"](job)
    return paths


def expected(scorer, inputs, parts):
    original, *shadows = map(FactorModel.load, (inputs["original"], *inputs["shadows"]))
    return {
        "membership": library.membership_rows(scorer, shadows, parts, USERS, ITEMS),
        "completeness": library.per_user_completeness(
            scorer, original, shadows, parts, USERS, ITEMS
        ),
        "forget_remain": library.forget_remain_utility(scorer, parts, USERS, ITEMS, SEED),
    }


def whole(inputs):
    return read_all_parts(
        inputs["record"].parent, read_parquet(inputs["interactions"], INTERACTIONS)
    )


def test_what_a_model_still_knows(inputs, tmp_path):
    made = run("completeness", inputs, tmp_path, *COLUMNS)
    for name, table in expected(FactorModel.load(inputs["model"]), inputs, whole(inputs)).items():
        found = read_parquet(made[name], VARIANT | COLUMNS[name])
        assert set(found["variant"]) == {"model"}
        assert len(found) > USERS
        pd.testing.assert_frame_equal(found.drop(columns="variant"), table)


def test_what_an_llms_lists_still_tell(inputs, tmp_path):
    """Every variant, of the users who have lists, and no divergence, for a list has no scores."""
    inputs["lists"] = tmp_path / "lists.parquet"
    made = run("completeness", inputs, tmp_path, *COLUMNS)
    lists, base = read_parquet(inputs["lists"], RERANKED), FactorModel.load(inputs["model"])
    parts = library.of_users(whole(inputs), WITH_LISTS)
    tables = {name: read_parquet(path, VARIANT | COLUMNS[name]) for name, path in made.items()}
    for variant in VARIANTS:
        scorer = RerankedScorer(base, lists[lists["variant"] == variant])
        for name, table in expected(scorer, inputs, parts).items():
            own = (
                tables[name][tables[name]["variant"] == variant]
                .drop(columns="variant")
                .reset_index(drop=True)
            )
            assert set(own["user"]) == {*WITH_LISTS}
            pd.testing.assert_frame_equal(own, table)
    assert "js" not in set(tables["completeness"]["measure"])
    places = tables["membership"].groupby("variant")["percentile"].agg(list)
    assert places["llm"] != places["no-llm"]


def test_lists_hide_what_was_seen_and_forgotten(inputs, tmp_path):
    lists = read_parquet(run("recommend", inputs, tmp_path, "lists")["lists"], LISTS)
    parts, model = whole(inputs), FactorModel.load(inputs["model"])
    assert set(lists["user"]) == set(parts["test"]["user"])
    for user, own in lists.groupby("user"):
        seen = pd.concat([parts[name] for name in ("train", "valid", "forget")])
        hidden = set(seen.loc[seen["user"] == user, "item"])
        best = model.score(torch.tensor([user]))[0].argsort(descending=True).tolist()
        assert own["item"].tolist() == [item for item in best if item not in hidden][:10]
        assert own["rank"].tolist() == list(range(1, len(own) + 1))


def test_an_llms_lists_begin_with_its_candidates(inputs, tmp_path):
    """Those of the users who have candidates, under every variant; forgotten and seen ones are left out."""
    inputs["lists"] = tmp_path / "lists.parquet"
    made = run("recommend", inputs, tmp_path, *(name.replace("-", "_") for name in VARIANTS))
    reranked, parts = read_parquet(inputs["lists"], RERANKED), whole(inputs)
    seen = pd.concat([parts[name] for name in ("train", "valid", "forget")])
    for variant in VARIANTS:
        lists = read_parquet(made[variant.replace("-", "_")], LISTS)
        assert set(lists["user"]) == {*WITH_LISTS}
        for user, own in lists.groupby("user"):
            hidden = set(seen.loc[seen["user"] == user, "item"])
            wanted = reranked.query("variant == @variant and user == @user").sort_values("rank")
            first = [item for item in wanted["item"] if item not in hidden]
            assert own["item"].tolist()[: len(first)] == first
            assert not hidden & set(own["item"])


def test_groups_and_training_rows(inputs, tmp_path):
    """One user of ten is forgotten; of the nine others the one nearest to that user is similar."""
    interactions = read_parquet(inputs["interactions"], INTERACTIONS)
    write_parts(tmp_path, forget_users(interactions, 0.1, (0.6, 0.1, 0.3), seed=1), interactions)
    made = run("user_groups", inputs, tmp_path, "user_groups", "item_rows")
    users, items = (
        read_parquet(made[name], schema)
        for name, schema in (("user_groups", USER_GROUPS), ("item_rows", ITEM_ROWS))
    )
    parts = whole(inputs)
    (gone,) = parts["forget"]["user"].unique()
    factors = FactorModel.load(inputs["original"]).user_factors
    cosines = torch.nn.functional.cosine_similarity(factors, factors[gone][None])
    cosines[gone] = -2
    groups = ["far"] * USERS
    groups[gone], groups[int(cosines.argmax())] = "forgotten", "similar"
    assert users["group"].tolist() == groups
    for frame, name, size in ((users, "user", USERS), (items, "item", ITEMS)):
        assert frame[name].tolist() == list(range(size))
        counts = parts["train"][name].value_counts()
        assert frame["training_rows"].tolist() == [counts.get(number, 0) for number in range(size)]
    assert users["training_rows"][gone] == 0
