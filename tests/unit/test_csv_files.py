"""CSV files of our own come back as they were written: text is text, numbers are numbers."""

import math

import pandas as pd
import pytest

from cragru.core.place import spot
from cragru.kept.csv_files import read_csv, write_csv
from cragru.kept.files import AGAIN
from tests.refusals import refused

LABELS = [
    "NA",
    "null",
    "nan",
    "None",
    "N/A",
    "1",
    "2",
    "01",
    "1.0",
    "True",
    "",
    " BPR ",
    "a,b",
    '"',
    "a\nb",
    "a\rb",
    "é",
]
SCHEMA = {"label": "object", "value": "float64", "count": "int64"}


@pytest.mark.parametrize("label", LABELS)
def test_a_label_is_text_whatever_it_looks_like(tmp_path, label):
    frame = pd.DataFrame({"label": [label, "BPR"], "value": [0.1, None], "count": [3, 4]})
    write_csv(tmp_path / "t.csv", frame)
    pd.testing.assert_frame_equal(read_csv(tmp_path / "t.csv", SCHEMA), frame)


def test_numbers_come_back_to_the_last_bit(tmp_path):
    values = [
        1 / 3,
        math.pi * 1e-300,
        -5e-324,
        1.7976931348623157e308,
        math.inf,
        0.1 + 0.2,
        9007199254740993.0,
    ]
    write_csv(tmp_path / "t.csv", pd.DataFrame({"value": values}))
    assert read_csv(tmp_path / "t.csv", {"value": "float64"})["value"].tolist() == values


def test_bytes_are_those_that_pandas_writes(tmp_path):
    frame = pd.DataFrame({"a": [1 / 3, None], "b": [1, 2], "c": [True, False], "d": ["x", None]})
    write_csv(tmp_path / "t.csv", frame)
    assert (tmp_path / "t.csv").read_bytes() == frame.to_csv(index=False).encode()


def test_only_what_is_asked_for_is_read(tmp_path):
    (tmp_path / "t.csv").write_text("a,b,c\n1,x,?\n")
    assert read_csv(tmp_path / "t.csv", {"b": "object", "a": "int64"}).to_dict("list") == {
        "b": ["x"],
        "a": [1],
    }


def test_a_header_alone_is_a_table_without_rows(tmp_path):
    (tmp_path / "t.csv").write_text("label,value,count\n")
    frame = read_csv(tmp_path / "t.csv", SCHEMA)
    assert len(frame) == 0
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == SCHEMA


WRONG = [
    ("", {"got": [], "column": "label"}),
    ("label,value\nx,1\n", {"got": ["label", "value"], "column": "count"}),
    (
        "label,value,value,count\nx,1,1,1\n",
        {"got": ["label", "value", "value", "count"], "column": "value"},
    ),
    ("label,value,count\nx,1,1\ny,NA,1\n", {"line": 3, "column": "value", "got": "NA"}),
    ("label,value,count\nx,1,\n", {"line": 2, "column": "count", "got": ""}),
    ("label,value,count\nx,1\n", {"line": 2, "got": 2}),
    ('label,value,count\n"x,1,1\n', {"line": 2}),
]


@pytest.mark.parametrize(("text", "told"), WRONG)
def test_what_is_damaged_is_named(tmp_path, text, told):
    path = tmp_path / "t.csv"
    path.write_text(text)
    parts = {"got": told["got"]} if "got" in told else {}
    with refused(place=spot(path, told.get("line"), told.get("column")), **parts) as caught:
        read_csv(path, SCHEMA)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with refused(place=tmp_path / "t.csv", advice=AGAIN):
        read_csv(tmp_path / "t.csv", SCHEMA)
