"""The Netflix Prize's files, in each of the layouts that they have, become the same tables."""

import io
import tarfile

import pandas as pd
import pytest
from test_prepare import LOCAL

from cragru.core.place import spot
from cragru.data import netflix_prize
from tests.raw_data import write
from tests.refusals import refused

TITLES = (
    "1,2003,Dinosaur Planet\n"
    "2,1974,At Home Among Strangers, A Stranger Among His Own\n"
    "3,NULL,Ancient Civilizations: Rome and Pompeii\n"
    "4,1995,Fräulein Smilla, été\n"
    "17,2001,Nobody Rated It\n"
)
# the third movie has no rows, and the fourth is in a file of its own
FIRST = "1:\n1488844,3,2005-09-06\n6,5,1970-01-01\n3:\n2:\n6,1,2004-02-29\n"
SECOND = "4:\n2649429,4,1999-11-11\n"
COMBINED = {
    "movie_titles.csv": TITLES,
    "combined_data_1.txt": FIRST,
    "combined_data_2.txt": SECOND,
}
SINGLE = {
    "movie_titles.txt": TITLES,
    "mv_0000001.txt": "1:\n1488844,3,2005-09-06\n6,5,1970-01-01\n",
    "mv_0000002.txt": "2:\n6,1,2004-02-29\n",
    "mv_0000003.txt": "3:\n",
    "mv_0000004.txt": SECOND,
}
# days from 1970 to the date, counted by hand for the second: 29 leap days are none of them
ROWS = [
    (1488844, 1, 3.0, 13_032 * 86_400),
    (6, 1, 5.0, 0),
    (6, 2, 1.0, 12_477 * 86_400),
    (2649429, 4, 4.0, 10_906 * 86_400),
]


def packed(folder, files):
    """Put single movies into training_set.tar, as the prize does."""
    write(folder, {"movie_titles.txt": files["movie_titles.txt"]})
    with tarfile.open(folder / "training_set.tar", "w") as archive:
        for name, text in files.items():
            if name.startswith("mv_"):
                entry = tarfile.TarInfo(f"training_set/{name}")
                entry.size = len(text)
                archive.addfile(entry, io.BytesIO(text.encode()))
    return folder


def test_tables(tmp_path):
    tables = netflix_prize.load(write(tmp_path, COMBINED))
    assert list(tables.interactions.itertuples(index=False, name=None)) == ROWS
    assert [str(kind) for kind in tables.interactions.dtypes][2:] == ["float32", "int64"]
    assert sorted(tables.users["raw_id"]) == [6, 1488844, 2649429]
    for column in ("age", "gender", "occupation", "zip"):
        assert set(tables.users[column]) == {""}
    assert tables.items["title"].tolist() == [
        "Dinosaur Planet",
        "At Home Among Strangers, A Stranger Among His Own",
        "Ancient Civilizations: Rome and Pompeii",
        "Fräulein Smilla, été",
        "Nobody Rated It",
    ]
    assert tables.items["year"].tolist() == [2003, 1974, pd.NA, 1995, 2001]
    assert set(tables.items["genres"]) == {""}
    assert tables.scale == (1.0, 5.0)


@pytest.mark.parametrize("fill", [write, packed])
def test_single_movies_give_equal_tables(tmp_path, fill):
    wanted = netflix_prize.load(write(tmp_path / "a", COMBINED))
    (tmp_path / "b").mkdir()
    got = netflix_prize.load(fill(tmp_path / "b", SINGLE))
    for name in ("interactions", "users", "items"):
        pd.testing.assert_frame_equal(getattr(got, name), getattr(wanted, name))


@pytest.mark.parametrize("size", [1, 7, 22, 64])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_blocks_may_end_anywhere(tmp_path, monkeypatch, size, end):
    """Also within a line, between a movie and its rows, and between the two letters of a line end of Windows."""
    files = {name: text.rstrip("\n").replace("\n", end) for name, text in COMBINED.items()}
    monkeypatch.setattr(netflix_prize, "BLOCK_BYTES", size)
    tables = netflix_prize.load(write(tmp_path, files))
    assert list(tables.interactions.itertuples(index=False, name=None)) == ROWS


@pytest.mark.parametrize("size", [5, 1 << 20])
@pytest.mark.parametrize(
    "line",
    [
        "",
        "7",
        "7,3",
        "7,3,2005-09-0",
        "7,3,2005-09-061",
        "7,33,2005-09-06",
        "7,-3,2005-09-06",
        ",3,2005-09-06",
        "u7,3,2005-09-06",
        "1234567890,3,2005-09-06",
        "7;3;2005-09-06",
        "7,3,2005/09/06",
        "7,3,2005-o9-06",
        "7,3,2005-09-06,",
        "7,x,2005-09-06",
        " 7,3,2005-09-06",
        "\xb2,3,2005-09-06",
    ],
)
def test_a_line_that_is_no_rating_is_named(tmp_path, monkeypatch, line, size):
    monkeypatch.setattr(netflix_prize, "BLOCK_BYTES", size)
    write(tmp_path, COMBINED | {"combined_data_2.txt": f"4:\n7,3,2005-09-06\n{line}\n8,4,x\n"})
    place, what = spot(tmp_path / "combined_data_2.txt", 3), "not a line with user, rating, date"
    with refused(place=place, got=line, what=what):
        netflix_prize.load(tmp_path)


@pytest.mark.parametrize("day", ["2005-02-29", "2005-13-01", "2005-00-10", "0000-01-01"])
def test_a_date_that_is_none_is_named(tmp_path, day):
    write(tmp_path, COMBINED | {"combined_data_2.txt": f"4:\n7,3,2005-09-06\n8,4,{day}\n"})
    place = spot(tmp_path / "combined_data_2.txt", 3)
    with refused(place=place, got=f"8,4,{day}", what="no such date"):
        netflix_prize.load(tmp_path)


@pytest.mark.parametrize("head", [":", "x:", "1234567890:", "-4:", "4::"])
def test_a_movie_that_is_none_is_named(tmp_path, head):
    write(tmp_path, COMBINED | {"combined_data_2.txt": f"4:\n7,3,2005-09-06\n{head}\n"})
    place = spot(tmp_path / "combined_data_2.txt", 3)
    with refused(place=place, got=head, what="not a line with a movie"):
        netflix_prize.load(tmp_path)


def test_rows_without_a_movie_above_them(tmp_path):
    """The last movie of one file is not that of the next."""
    write(tmp_path, COMBINED | {"combined_data_2.txt": "7,3,2005-09-06\n4:\n"})
    place = spot(tmp_path / "combined_data_2.txt", 1)
    with refused(place=place, got="7,3,2005-09-06", what="no movie above it"):
        netflix_prize.load(tmp_path)


def test_what_tables_refuse_has_its_file_and_line(tmp_path):
    """Lines of movies count."""
    place = spot(tmp_path / "combined_data_2.txt", 3)
    changes = {"combined_data_2.txt": "4:\n7,3,2005-09-06\n8,6,2005-09-06\n"}
    with refused(place=place, got="6", what="off the scale, 1 to 5"):
        netflix_prize.load(write(tmp_path, COMBINED | changes))
    changes = {"combined_data_2.txt": "4:\n18:\n8,5,2005-09-06\n"}
    with refused(place=place, got="18", what="movie_titles.csv has no such item"):
        netflix_prize.load(write(tmp_path, COMBINED | changes))
    changes = {"combined_data_2.txt": "4:\n8,5,2005-09-06\n8,4,2005-09-07\n"}
    with refused(place=place, got="8, 4", what="line 2 has the same user and item"):
        netflix_prize.load(write(tmp_path, COMBINED | changes)).refuse_repeats()


def test_a_pair_that_two_files_have(tmp_path):
    changes = {"combined_data_2.txt": "2:\n6,5,2005-09-06\n"}
    with refused() as caught:
        netflix_prize.load(write(tmp_path, COMBINED | changes)).refuse_repeats()
    assert str(caught.value) == (
        f"{tmp_path}/combined_data_2.txt, line 2: combined_data_1.txt, line 6 has the same user and item, "
        "got '6, 2'; keep one, or let the entry say `keep: {repeats: last}`"
    )


def test_files_of_ratings_are_read_in_the_order_of_their_numbers(tmp_path):
    files = {"movie_titles.csv": TITLES}
    for number in (10, 2, 1):
        files[f"combined_data_{number}.txt"] = f"2:\n{number},3,2005-09-06\n"
    assert netflix_prize.load(write(tmp_path, files)).interactions["user"].tolist() == [1, 2, 10]


def test_files_that_are_not_there_or_empty(tmp_path):
    write(tmp_path, {"movie_titles.csv": TITLES})
    with refused(place=tmp_path):
        netflix_prize.load(tmp_path)
    for empty in ("", "3:\n4:\n"):
        write(tmp_path, {"combined_data_1.txt": empty})
        with refused(place=tmp_path, what="no ratings"):
            netflix_prize.load(tmp_path)
    (tmp_path / "movie_titles.csv").unlink()
    with refused(place=tmp_path / "movie_titles.csv", what="no such file"):
        netflix_prize.load(tmp_path)


def test_a_title_without_a_year_or_a_name_is_refused(tmp_path):
    for line in ("5,199,Film", "5,null,Film", "5,1990,", "five,1990,Film"):
        write(tmp_path, COMBINED | {"movie_titles.csv": f"{TITLES}{line}\n"})
        with refused(place=spot(tmp_path / "movie_titles.csv", 6), got=line):
            netflix_prize.load(tmp_path)


def test_a_damaged_archive_is_refused(tmp_path):
    packed(tmp_path, SINGLE)
    whole = (tmp_path / "training_set.tar").read_bytes()
    for damaged in (b"x" * 600, whole[:700]):
        (tmp_path / "training_set.tar").write_bytes(damaged)
        with refused(place=tmp_path / "training_set.tar"):
            netflix_prize.load(tmp_path)


@pytest.mark.skipif(not (LOCAL / "netflix").exists(), reason="set CRAGRU_DATA_DIR")
def test_the_first_twenty_movies():
    tables = netflix_prize.load(LOCAL / "netflix")
    assert len(tables.interactions) == 42_813
    assert sorted(tables.interactions["item"].unique()) == list(range(1, 21))
    assert len(tables.items) == 17_770
    assert tables.items["year"].isna().sum() == 7
    assert tables.items["title"][71] == "At Home Among Strangers, A Stranger Among His Own"
    first = tables.interactions.iloc[0].tolist()
    assert first == [1488844, 1, 3.0, 1125964800]
    days = tables.interactions["timestamp"]
    assert (days % 86_400 == 0).all()
    assert pd.to_datetime(days, unit="s").dt.year.isin(range(1999, 2006)).all()
