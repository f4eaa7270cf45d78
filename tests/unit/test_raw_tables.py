"""CSV files of a person become columns, or one line names the cell and what belongs there."""

import pandas as pd
import pytest

from cragru.data.raw_files import read_table, refuse_repeats
from tests.refusals import refused

COLUMNS = {"user": "integer", "rating": "number", "timestamp": "time"}


@pytest.fixture
def read(tmp_path):
    def read_this(text, columns=COLUMNS):
        (tmp_path / "a.csv").write_text(text, encoding="utf-8")
        return read_table(tmp_path / "a.csv", columns)

    return read_this


def test_columns_are_read_by_name_as_what_they_hold(read):
    found = read("timestamp,more,user,rating\n50,x,007,4\n\n 60 ,y,8,.5\n")
    assert found.to_dict("list") == {"user": [7, 8], "rating": [4.0, 0.5], "timestamp": [50, 60]}
    assert list(map(str, found.dtypes)) == ["int64", "float64", "int64"]
    assert found.index.tolist() == [2, 4]


def test_text_is_text_and_a_year_may_be_missing(read):
    found = read('title,year\n"NA, a film",\n1984,1984\n', {"title": "text", "year": "year"})
    assert found["title"].tolist() == ["NA, a film", "1984"]
    assert found["year"].tolist() == [pd.NA, 1984]
    assert str(found["year"].dtype) == "Int32"


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [
        ("978300760", 978300760),
        ("1970-01-02", 86_400),
        ("2000-12-31 22:12:40", 978300760),
        ("2000-12-31T22:12:40Z", 978300760),
        ("2000-12-31T23:12:40.5+01:00", 978300760),
    ],
)
def test_a_time_is_seconds_or_an_iso_date_in_utc(read, monkeypatch, cell, seconds):
    monkeypatch.setenv("TZ", "Asia/Tokyo")  # of the machine, which is not asked
    assert read(f"timestamp\n{cell}\n", {"timestamp": "time"})["timestamp"].tolist() == [seconds]


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("timestamp", "31.12.2024"),
        ("timestamp", "12/31/2024"),
        ("timestamp", "yesterday"),
        ("timestamp", "2024-02-30"),
        ("timestamp", "-5"),
        ("timestamp", ""),
        ("rating", ""),
        ("rating", "nan"),
        ("rating", "good"),
        ("rating", '"3,5"'),
        ("user", "u-1"),
        ("user", "1.0"),
        ("user", "1_0"),
        ("user", ""),
    ],
)
def test_a_cell_that_is_something_else_is_named(read, tmp_path, column, cell):
    cells = {"user": "1", "rating": "2", "timestamp": "3"} | {column: cell}
    place = f"{tmp_path}/a.csv, line 3, column {column!r}"
    with refused(place=place, got=cell.strip('"')) as caught:
        read(f"{','.join(cells)}\n4,5,6\n{','.join(cells.values())}\n")
    assert "write" in caught.value.problems[0].advice


def test_the_sentence(read, tmp_path):
    with refused() as caught:
        read("user,rating,timestamp\n1,2,31.12.2024\n")
    assert str(caught.value) == (
        f"{tmp_path}/a.csv, line 2, column 'timestamp': no time, got '31.12.2024'; "
        "write seconds since 1970, or a date as 2024-12-31 or 2024-12-31T23:59:59"
    )


def test_columns_and_rows_that_are_not_there(read, tmp_path):
    with refused(place=f"{tmp_path}/a.csv, line 1", got="user", allowed=["User", "rating"]):
        read("User,rating\n1,2\n")
    with refused(place=f"{tmp_path}/a.csv, line 1", got="user"):
        read("user,user,rating,timestamp\n1,1,2,3\n")
    for empty in ("user,rating,timestamp\n", "user,rating,timestamp"):
        with refused(place=f"{tmp_path}/a.csv", what="the file has no rows"):
            read(empty)
    with refused(place=f"{tmp_path}/a.csv, line 1"):
        read("")
    with refused(place=f"{tmp_path}/a.csv, line 2", got=4):
        read("user,rating,timestamp\n1,2,3,4\n")


def test_repeats_are_counted_and_the_first_two_named(read, tmp_path):
    rows = read("user,rating,timestamp\n1,2,3\n2,2,3\n1,2,4\n2,3,5\n1,5,6\n")
    what = "line 2 has the same user (and 2 further rows)"
    with refused(place=f"{tmp_path}/a.csv, line 4", what=what, got="1"):
        refuse_repeats(rows[rows["rating"] < 9], "user")
