"""Deletion requests through the workflow: what leaves the split, what is trained, and what is refused before that."""

import re
import shutil

import pandas as pd
import pytest

pytestmark = pytest.mark.slow

PARTS = ("train", "valid", "test")
STATE = "results/toy/from-file/1"
DRAW = "results/toy/one-user/1/draw-1"


def read_parts(folder, names=(*PARTS, "forget", "forget-heldout")):
    return {name: pd.read_parquet(folder / f"{name}.parquet") for name in names}


def without(frame, users):
    return frame[~frame["user"].isin(users)].reset_index(drop=True)


def write_request(path, lines):
    path.write_text("\n".join(["user,item", *lines]) + "\n")
    return str(path)


@pytest.fixture(scope="module")
def ratings(toy):
    """Raw ids of the users in order, and the items of each."""
    return {user: rows["item"].tolist() for user, rows in toy.ratings.groupby("user")}


@pytest.fixture(scope="module")
def asked(ratings):
    """Two pairs of one user and one of another."""
    first, second = sorted(ratings, key=int)[4:6]
    return [(first, ratings[first][0]), (first, ratings[first][1]), (second, ratings[second][2])]


@pytest.fixture(scope="module")
def files(asked, ratings, tmp_path_factory):
    """The requests that come first, as files."""
    folder = tmp_path_factory.mktemp("requests")
    return {
        "pairs": write_request(folder / "pairs.csv", [",".join(pair) for pair in asked]),
        "whole": write_request(folder / "whole.csv", [f"{max(ratings, key=int)},"]),
    }


@pytest.fixture(scope="module")
def config(configure, files):
    return configure(requests={"files": files, "one_user": 2})


@pytest.fixture(scope="module")
def served(workflow, unlearned, config, tmp_path_factory):
    """A directory in which three requests were served."""
    directory = shutil.copytree(unlearned, tmp_path_factory.mktemp("requests") / "run")
    targets = [f"{DRAW}/bpr/{model}/per-user.parquet" for model in ("original", "retrain")]
    targets += [
        f"{STATE}/bpr/original/model.safetensors",
        f"{STATE}/pairs/bpr/retrain/model.safetensors",
    ]
    workflow.make(directory, *targets, f"{STATE}/whole/split/split.json", config=config, cores=2)
    return directory


@pytest.fixture(scope="module")
def raw_ids(served):
    """The publisher's ids of the dense ones."""
    prepared = served / "results/toy/prepared"
    users, items = (
        pd.read_parquet(prepared / f"{name}.parquet")["raw_id"] for name in ("users", "items")
    )
    return users, items


def forgotten_user(served):
    forget = pd.read_parquet(served / f"{DRAW}/split/forget.parquet")
    assert len(forget)
    (user,) = forget["user"].unique()
    return user


def test_a_drawn_user_leaves_every_part_and_nobody_else_moves(served):
    user = forgotten_user(served)
    deployed, left = (
        read_parts(served / folder) for folder in ("results/toy/one-user/1/split", f"{DRAW}/split")
    )
    for name in PARTS:
        assert user in set(deployed[name]["user"])
        pd.testing.assert_frame_equal(left[name], without(deployed[name], [user]))
    assert len(left["forget"]) == (deployed["train"]["user"] == user).sum()
    assert set(left["forget-heldout"]["user"]) == {user}


@pytest.mark.parametrize("model", ["original", "retrain"])
def test_a_drawn_user_is_not_evaluated_and_all_others_are(served, model):
    user = forgotten_user(served)
    evaluated = set(pd.read_parquet(served / f"{DRAW}/bpr/{model}/per-user.parquet")["user"])
    deployed = set(pd.read_parquet(served / "results/toy/one-user/1/split/test.parquet")["user"])
    assert evaluated == deployed - {user}


def test_the_original_of_a_request_is_the_deployed_one(served, workflow, config):
    assert (served / "results/toy/one-user/1/bpr/original/model.safetensors").is_file()
    assert not list(served.glob(f"{DRAW}/bpr/original/model*"))
    planned = workflow.plan(
        served, "results/toy/one-user/1/draw-2/bpr/original/per-user.parquet", config=config
    )
    assert planned == {"apply_request": 1, "evaluate_request": 1}


def test_a_request_of_pairs_forgets_just_them(served, asked, raw_ids):
    users, items = raw_ids
    deployed, left = (
        read_parts(served / folder) for folder in (f"{STATE}/split", f"{STATE}/pairs/split")
    )
    gone = pd.concat([left["forget"], left["forget-heldout"]])
    assert sorted(zip(users[gone["user"]], items[gone["item"]], strict=True)) == sorted(asked)
    for name in PARTS:
        kept = deployed[name][~deployed[name]["row"].isin(gone["row"])].reset_index(drop=True)
        pd.testing.assert_frame_equal(left[name], kept)
    assert (served / f"{STATE}/pairs/bpr/retrain/model.safetensors").is_file()


def test_a_request_of_a_user_forgets_all_its_rows(served, ratings, raw_ids):
    raw = max(ratings, key=int)
    (user,) = raw_ids[0].index[raw_ids[0] == raw]
    left = read_parts(served / f"{STATE}/whole/split")
    assert not [name for name in PARTS if user in set(left[name]["user"])]
    gone = pd.concat([left["forget"], left["forget-heldout"]])
    assert set(gone["user"]) == {user}
    assert len(gone) == len(ratings[raw])


def test_a_further_request_leaves_the_deployed_state_alone(
    served, workflow, configure, files, ratings, tmp_path
):
    """With `ancient` the run ended well and had made nothing: snakemake#4166."""
    path = write_request(tmp_path / "added.csv", [f"{min(ratings, key=int)},"])
    more = {**files, "z-added": path}  # the last: `configure` sorts keys
    config = configure(requests={"files": more})
    old = [
        f"{STATE}/bpr/original/model.safetensors",
        f"{STATE}/pairs/bpr/retrain/model.safetensors",
    ]
    planned = workflow.plan(
        served, *old, f"{STATE}/z-added/bpr/retrain/per-user.parquet", config=config
    )
    assert planned == {"apply_request": 1, "unlearn_request": 1, "evaluate_request": 1}
    workflow.make(served, f"{STATE}/z-added/split/split.json", config=config)
    assert len(read_parts(served / f"{STATE}/z-added/split")["forget"])


def test_a_further_request_is_checked_too(served, workflow, configure, files, tmp_path):
    more = {**files, "z-later": write_request(tmp_path / "later.csv", ["999999,"])}
    target = f"{STATE}/z-later/bpr/retrain/model.safetensors"
    refused = workflow.run(served, target, config=configure(requests={"files": more}))
    assert refused.rc == 1
    (line,) = refused.errors
    assert line.startswith(f"cragru: error in apply_request: {more['z-later']}, line 2:")
    assert "'999999'" in line
    assert not (served / STATE / "z-later/bpr").exists()


def bad_lines(ratings):
    """Lines 2 and 3 of bad requests, and a fact that line 3 is answered."""
    user, other = sorted(ratings, key=int)[:2]
    item = ratings[user][0]
    stranger = next(item for item in ratings[other] if item not in ratings[user])
    return {
        "unknown user": (f"{user},{item}", "999999,", "user, got '999999'"),
        "unknown item": (f"{user},{item}", f"{user},999999", "item, got '999999'"),
        "no such pair": (f"{user},{item}", f"{user},{stranger}", f"got '{user},{stranger}'"),
        "repeated row": (f"{user},{item}", f"{user},", "line 2"),
    }


@pytest.mark.parametrize("slip", ["unknown user", "unknown item", "no such pair", "repeated row"])
def test_a_bad_request_is_refused_before_training(
    workflow, configure, ratings, on_one_core, tmp_path, slip
):
    *lines, answer = bad_lines(ratings)[slip]
    path = write_request(tmp_path / "bad.csv", lines)
    directory = tmp_path / "run"
    for folder in (".snakemake", "results/raw", "results/toy/prepared"):
        shutil.copytree(on_one_core / folder, directory / folder)
    target = f"{STATE}/bad/bpr/retrain/per-user.parquet"
    refused = workflow.run(directory, target, config=configure(requests={"files": {"bad": path}}))
    assert refused.rc == 1
    (line,) = refused.errors
    assert line.startswith(f"cragru: error in check_requests: {path}, line 3:")
    assert answer in line
    assert "Traceback (most" not in refused.output
    assert not list(directory.rglob("*.safetensors"))
    assert not (directory / STATE).exists()


@pytest.mark.parametrize(
    ("target", "place", "got"),
    [
        (f"{STATE}/summer/bpr/retrain/per-user.parquet", "requests.files", "summer"),
        ("results/toy/one-user/1/draw-9/bpr/retrain/cost.json", "requests.one_user", "draw-9"),
    ],
)
def test_an_unknown_request_is_an_error(workflow, config, tmp_path, target, place, got):
    refused = workflow.run(tmp_path, "--dry-run", target, config=config)
    assert refused.rc == 1
    assert re.search(rf"\b{place}:.*'{got}'", refused.output)
    assert "Traceback (most" not in refused.output
