"""Tables of a person's own, as CSV, Parquet or RecBole's atomic files, become a data set, or one line says why not."""

import gzip

import pandas as pd
import pytest

from cragru.data import csv_tables, recbole_atomic
from cragru.plugins.options import read_options
from tests.refusals import refused

RATINGS = "user,item,rating,timestamp\n7,30,4,50\n10,9,2.5,20\n7,9,1,1970-01-01T00:00:30\n"
COLUMNS = {"user": "user", "item": "item", "rating": "rating", "timestamp": "timestamp"}
ITEMS = "item,title,year,genres\n9,Nine,1999,War|Drama\n30,NA,,\n"
ITEM_COLUMNS = {name: name for name in ("item", "title", "year", "genres")}
INTER = (
    "user_id:token\titem_id:token\trating:float\ttimestamp:float\n7\t30\t4\t50.0\n10\t9\t2.5\t2e1\n"
)
ITEM = (
    "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
    '9\t"Nine\t1999\tWar Drama\n30\tNA\t\t\n'
)


def encoded(text, encoding="utf-8"):
    return text if isinstance(text, bytes) else text.encode(encoding)


@pytest.fixture
def csv(tmp_path):
    """Reads tables that are written with some texts and options."""

    def read(ratings=RATINGS, items=None, users=None, file="ratings.csv", scale=None, **options):
        given = {"ratings": {"file": file, "columns": COLUMNS} | options}
        texts = {file: ratings}
        for key, text, columns in (("items", items, ITEM_COLUMNS), ("users", users, None)):
            if text is not None:
                given[key] = {"file": f"{key}.csv", "columns": columns}
                text, more = text if isinstance(text, tuple) else (text, {})
                given[key] |= more
                texts[f"{key}.csv"] = text
        for name, text in texts.items():
            (tmp_path / name).write_bytes(encoded(text))
        if scale is not None:
            given["scale"] = scale
        return csv_tables.load(tmp_path, read_options(csv_tables.Options, given))

    return read


@pytest.fixture
def atomic(tmp_path):
    """Reads atomic files that are written with some texts and options."""

    def read(inter=INTER, item=ITEM, **options):
        (tmp_path / "a.inter").write_bytes(encoded(inter))
        (tmp_path / "a.item").write_bytes(encoded(item))
        given = {"inter": "a.inter", "item": "a.item"} | options
        return recbole_atomic.load(tmp_path, read_options(recbole_atomic.Options, given))

    return read


def rows(tables):
    return tables.interactions.to_numpy().tolist()


# --- what is read


def test_columns_are_read_by_name(csv):
    tables = csv(items=ITEMS)
    assert rows(tables) == [[7, 30, 4.0, 50], [10, 9, 2.5, 20], [7, 9, 1.0, 30]]
    assert tables.scale == (1.0, 4.0)  # what is there
    assert tables.missing == ()
    assert tables.items.to_numpy().tolist() == [
        [9, "Nine", 1999, "War|Drama"],
        [30, "NA", pd.NA, ""],
    ]
    assert tables.users.to_numpy().tolist() == [[7, "", "", "", ""], [10, "", "", "", ""]]
    assert csv(scale=[0, 5]).scale == (0, 5)


def test_without_titles_the_id_is_the_title(csv):
    tables = csv()
    assert tables.items["raw_id"].tolist() == [30, 9]
    assert tables.items["title"].tolist() == ["30", "9"]
    tables = csv(
        items=("item,title\n9,\n30, Thirty \n", {"columns": {"item": "item", "title": "title"}})
    )
    assert tables.items["title"].tolist() == ["9", "Thirty"]


def test_users_have_a_profile(csv):
    columns = {"user": "id", "gender": "sex", "zip": "code"}
    users = ("id,code,sex\n10,00501,F\n7,,x\n", {"columns": columns})
    found = csv(users=users).users.to_dict("list")
    assert found == {
        "raw_id": [10, 7],
        "age": ["", ""],
        "gender": ["female", "x"],
        "occupation": ["", ""],
        "zip": ["00501", ""],
    }


def test_words_of_items_may_stand_beside_interactions(csv):
    text = "user,item,rating,timestamp,name,of\n7,30,4,50,Thirty (1930),War\n7,9,4,51,Nine,\n10,30,1,1,Other,\n"
    columns = COLUMNS | {"title": "name", "genres": "of"}
    items = csv(text, columns=columns, year_in_title=True).items
    assert items.to_numpy().tolist() == [[30, "Thirty", 1930, "War"], [9, "Nine", pd.NA, ""]]
    with refused(place="cragru.data.csv_tables: ratings.columns", got=["title", "genres"]):
        csv(text, items=ITEMS, columns=columns)


def test_columns_are_read_by_number_where_there_is_no_header(csv):
    numbers = {"user": 3, "item": 1, "rating": 2}
    tables = csv("30;4;7\n9;1;7\n", columns=numbers, separator=";")
    assert rows(tables) == [[7, 30, 4.0, 0], [7, 9, 1.0, 1]]
    assert tables.interactions.index.tolist() == [0, 1]


def test_without_ratings_or_times_rows_keep_their_order(csv):
    text = "user,item\n7,30\n10,9\n7,9\n"
    tables = csv(text, columns={"user": "user", "item": "item"})
    assert rows(tables) == [[7, 30, 1.0, 0], [10, 9, 1.0, 1], [7, 9, 1.0, 2]]
    assert tables.scale == (1.0, 1.0)
    assert tables.missing == ("rating", "timestamp")


ALIKE = [
    ("ratings.csv.gz", gzip.compress(RATINGS.encode(), mtime=0)),
    ("ratings.csv", "\ufeff" + RATINGS),
    ("ratings.csv", RATINGS.replace("\n", "\r\n")),
    ("ratings.csv", RATINGS.rstrip("\n")),
    ("ratings.csv", RATINGS + "\n\n"),
    ("ratings.csv", RATINGS.replace("\n10,", "\n\n10,")),
    ("ratings.csv", RATINGS.replace("7,30,4", '"7", 30 ,4.0 ')),
    (
        "ratings.csv",
        RATINGS.replace("timestamp\n", "timestamp,more\n").replace("0\n", '0,"a\nb"\n'),
    ),
]


@pytest.mark.parametrize(("file", "text"), ALIKE)
def test_files_that_say_the_same(csv, file, text):
    if "more" in str(text):
        text = text.replace("30\n", "30,c\n")
    assert rows(csv(text, file=file)) == rows(csv())


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (RATINGS, 4),
        (RATINGS.replace("\n10,", "\n\n10,"), 5),
        (RATINGS.replace("timestamp\n", "timestamp,more\n").replace("0\n", '0,"a\nb"\n'), 6),
    ],
)
def test_lines_are_those_of_the_file(csv, tmp_path, text, line):
    text = text.replace("30\n", "30,\n") if "more" in text else text
    last = text.rindex("7,9,1")
    with refused(place=f"{tmp_path}/ratings.csv, line {line}", what="off the scale, 0 to 5"):
        csv(text[:last] + "7,9,8" + text[last + 5 :], scale=[0, 5])


def test_parquet(csv, tmp_path):
    frame = pd.DataFrame({"user": ["u", "v"], "item": [3, 4], "rating": [1.5, 2]})
    frame["timestamp"] = pd.to_datetime([50, 20], unit="s")
    frame.to_parquet(tmp_path / "made.parquet")
    content = (tmp_path / "made.parquet").read_bytes()
    tables = csv(content, file="r.parquet")
    assert rows(tables) == [["u", 3, 1.5, 50], ["v", 4, 2.0, 20]]
    with refused(place=f"{tmp_path}/r.parquet", got="stars", allowed=list(frame)):
        csv(content, file="r.parquet", columns=COLUMNS | {"rating": "stars"})


@pytest.mark.parametrize(
    ("users", "read"),
    [
        (["12", "3"], [12, 3]),
        (["12", "a"], ["12", "a"]),
        (["007", "3"], ["007", "3"]),
        (["1.0", "3"], ["1.0", "3"]),
        (["99999999999999999999", "3"], ["99999999999999999999", "3"]),
        (["6f1c2ad4-0b0e", "ü 1"], ["6f1c2ad4-0b0e", "ü 1"]),
    ],
)
def test_ids_are_numbers_where_all_are(csv, users, read):
    text = "user,item,rating,timestamp\n" + "".join(f"{user},9,1,1\n" for user in users)
    assert csv(text).interactions["user"].tolist() == read
    assert csv(text).users["raw_id"].tolist() == read


def test_ids_are_of_one_kind_in_both_tables(csv):
    tables = csv(items=ITEMS + "x,Ten,,\n")
    assert tables.interactions["item"].tolist() == ["30", "9", "9"]
    assert tables.items["raw_id"].tolist() == ["9", "30", "x"]


def test_the_last_column_may_be_the_rest_of_the_line(csv):
    more = {"columns": {"item": 1, "year": 2, "title": 3}, "rest": True, "unknown": ["NULL"]}
    text = '9,NULL,"Nine", they said, Café\n30,2004,Isle\n'.encode("latin-1")
    items = csv(items=(text, more | {"encoding": "latin-1"})).items
    assert items["title"].tolist() == ['"Nine", they said, Café', "Isle"]
    assert items["year"].tolist() == [pd.NA, 2004]


def test_movielens_of_today(csv):
    text = 'movieId,title,genres\n9,"American President, The (1995)",Drama|War\n30,Zero,(no genres listed)\n'
    more = {
        "columns": {"item": "movieId", "title": "title", "genres": "genres"},
        "year_in_title": True,
        "unknown": ["(no genres listed)"],
    }
    assert csv(items=(text, more)).items.to_numpy().tolist() == [
        [9, "American President, The", 1995, "Drama|War"],
        [30, "Zero", pd.NA, ""],
    ]


def test_atomic_files(atomic):
    tables = atomic()
    assert rows(tables) == [[7, 30, 4.0, 50], [10, 9, 2.5, 20]]
    assert tables.items.to_numpy().tolist() == [
        [9, '"Nine', 1999, "War|Drama"],
        [30, "NA", pd.NA, ""],
    ]


def test_atomic_fields_have_other_names(atomic, tmp_path):
    inter = "user:token\tbook:token\tstars:float\nu1\tb1\t3\n"
    item = "book:token\tname:token_seq\tkind:token_seq\nb1\tBook One\tA B;C\n"
    fields = {"user": "user", "item": "book", "rating": "stars", "timestamp": None}
    tables = atomic(inter, item, fields=fields | {"genres": "kind"}, sequence_separator=";")
    assert rows(tables) == [["u1", "b1", 3.0, 0]]
    assert tables.items.to_numpy().tolist() == [["b1", "Book One", pd.NA, "A B|C"]]
    with refused(place=f"{tmp_path}/a.inter, line 1", got="timestamp"):
        atomic(inter, item, fields=fields | {"timestamp": "timestamp"})
    with refused(place=f"{tmp_path}/a.inter, line 1", got="book"):
        atomic(inter.replace("book:token", "book"), item, fields=fields)


# --- what is refused


def wrong_row(row, line=4, **parts):
    """The third row is another, and what is told of it."""
    return RATINGS[: RATINGS.rindex("7,9")] + row, {"line": line} | parts


WRONG = [
    wrong_row("7,9,good,1\n", column="rating", got="good", what="no number"),
    wrong_row("7,9,,1\n", column="rating", got=""),
    wrong_row("7,9,nan,1\n", column="rating", got="nan"),
    wrong_row(
        "7,9,inf,1\n7,9,x,1\n", column="rating", got="inf", what="no number (and 1 further rows)"
    ),
    wrong_row("\n\n7,9,NaN,1\n", line=6, column="rating", got="NaN"),
    wrong_row("7,9,1,31.12.2024\n", column="timestamp", got="31.12.2024"),
    wrong_row("7,9,1,\n", column="timestamp", got=""),
    wrong_row("x,9,1,1\n,9,1,1\n", line=5, column="user", got="", what="no user"),
    wrong_row("7, ,1,1\n", column="item", got=" "),
    wrong_row("7,9,1\n", got=3, what="not 4 cells"),
    wrong_row('7,9,1,1,"a\n"\n', got=5),
    wrong_row(b"7,9,1,1\xff\n".decode("latin-1"), got=None),
    wrong_row("7,9,6,1\n", got="6", what="off the scale, 0 to 5"),
    wrong_row("7,8,1,1\n", got="8", what="items.csv has no such item"),
]


@pytest.mark.parametrize(("text", "parts"), WRONG)
def test_a_wrong_row_is_named(csv, tmp_path, text, parts):
    line, column = parts.pop("line"), parts.pop("column", None)
    place = f"{tmp_path}/ratings.csv, line {line}" + (f", column {column!r}" if column else "")
    content = text.encode("latin-1" if "ÿ" in text else "utf-8")
    if parts["got"] is None:
        parts = {"what": "not utf-8 text"}
    with refused(place=place, **parts):
        csv(content, items=ITEMS, scale=[0, 5])


@pytest.mark.parametrize(
    "text", ["", "\n\n", "user,item,rating,timestamp\n", "user,item,rating,timestamp"]
)
def test_an_empty_file_is_refused(csv, tmp_path, text):
    with refused(place=f"{tmp_path}/ratings.csv", what="the file has no rows"):
        csv(text)


def test_columns_that_are_not_there_are_refused(csv, tmp_path):
    place, names = f"{tmp_path}/ratings.csv, line 1", list(COLUMNS)
    with refused(place=place, got="stars", allowed=names):
        csv(columns=COLUMNS | {"rating": "stars"})
    with refused(place=place, got="user"):
        csv("user,user,item,rating,timestamp\n1,1,1,1,1\n")
    with refused(place=f"{tmp_path}/ratings.csv", got=5, allowed=["1", "2"]):
        csv("1,2\n", columns={"user": 1, "item": 5})
    with refused(place=f"{tmp_path}/nothing.csv", what="no such file"):
        csv_tables.load(
            tmp_path,
            read_options(
                csv_tables.Options, {"ratings": {"file": "nothing.csv", "columns": COLUMNS}}
            ),
        )


def test_other_letters_than_the_encodings_are_refused(csv, tmp_path):
    with refused(place=f"{tmp_path}/items.csv", what="its letters are UTF-8"):
        csv(items=("item,title,year,genres\n9,Café,,\n", {"encoding": "latin-1"}))


def test_the_rest_of_a_line_may_be_nothing_but_not_lack(csv, tmp_path):
    more = {"columns": {"item": 1, "year": 2, "title": 3}, "rest": True}
    with refused(place=f"{tmp_path}/items.csv, line 3", got=2, what="not 3 cells"):
        csv(items=("9,1999,\n\n30,2000\n", more))


def test_items_and_years_that_are_wrong(csv, tmp_path):
    with refused(place=f"{tmp_path}/items.csv, line 3, column 'year'", got="V"):
        csv(items="item,title,year,genres\n9,Nine,1999,\n30,Thirty,V,\n")
    with refused(place=f"{tmp_path}/items.csv, line 4", got="9"):
        csv(items=ITEMS + "9,Nine,1999,\n")


def test_a_million_rows_take_seconds(csv, tmp_path):
    """Guards against one Python object a cell: that takes ten times as long."""
    import time

    import numpy as np

    draw = np.random.default_rng(1)
    frame = pd.DataFrame({"user": draw.integers(20_000, size=10**6)})
    frame["item"], frame["rating"] = (
        draw.integers(3_000, size=10**6),
        draw.integers(1, 6, size=10**6),
    )
    frame["timestamp"] = np.arange(10**6)
    text = frame.to_csv(index=False)
    begun = time.process_time()
    assert len(csv(text).interactions) == 10**6
    assert time.process_time() - begun < 8
