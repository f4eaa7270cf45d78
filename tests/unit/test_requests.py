"""Deletion requests from a file: right ones become rows, wrong ones name their line."""

import pandas as pd
import pytest

from cragru.core.errors import CragruError
from cragru.data.requests import Catalogue, read_request


@pytest.fixture
def catalogue():
    """Users 10 and 20 (ids 0, 1), items 7, 8, 9 (ids 0, 1, 2); user 10 has 7 and 9, user 20 has 8."""
    interactions = pd.DataFrame({"user": [0, 0, 1], "item": [0, 2, 1]})
    users = pd.DataFrame({"user": [0, 1], "raw_id": ["10", "20"]})
    items = pd.DataFrame({"item": [0, 1, 2], "raw_id": ["7", "8", "9"]})
    return Catalogue(interactions, users, items)


@pytest.fixture
def request_file(tmp_path):
    def write(text):
        path = tmp_path / "request.csv"
        path.write_text(text, encoding="utf-8", newline="")
        return path

    return write


def test_pairs_and_whole_users(catalogue, request_file):
    assert read_request(request_file("user,item\n10,9\n20,\n"), catalogue).tolist() == [1, 2]
    assert read_request(request_file("user,item\n 10 ,\n\n"), catalogue).tolist() == [0, 1]


def test_what_excel_saves_is_a_request(catalogue, request_file):
    saved = "\ufeffuser,item\r\n10,9\r\n20,\r\n,\r\n"
    assert read_request(request_file(saved), catalogue).tolist() == [1, 2]


def test_a_folder_is_no_request(catalogue, tmp_path):
    with pytest.raises(CragruError, match="cannot be read as a request"):
        read_request(tmp_path, catalogue)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("user,item\n10,9\n99,9\n", "line 3: unknown user '99'"),
        ("user,item\n10,99\n", "line 2: unknown item '99'"),
        ("user,item\n10,8\n", "line 2: user '10' has no interaction with item '8'"),
        ("user,item\n10,9\n10,\n", "line 3: was asked for in line 2 already"),
        ("user,item\n10,9,1\n", "line 2: got '10,9,1'"),
        ("user,item\n,9\n", "line 2: got ',9'"),
        ("10,9\n", "line 1: got '10,9'; the header must be user,item"),
        ("", "line 1: got ''; the header must be user,item"),
        ("user,item\n", "asks for nothing"),
        ("user;item\n10;9\n", "line 1: wrong separator, got ';'"),
        (f"user,item\n10,9\n{'9' * 200_000},9\n", "line 3: not a row of CSV (field larger than"),
        (f"user,item\n10,9\n{'9' * 100_000},9\n", "line 3: unknown user '9999"),
        (f"user,item\n10,{'9' * 100_000}\n", "line 2: unknown item '9999"),
        (f"user,item\n10,9,{'9' * 100_000}\n", "line 2: got '10,9,9999"),
        (f"{'9' * 100_000}\n", "line 1: got '9999"),
        ('user,item\n10,9\n"20,\n' + "10,7\n" * 1000, "line 3: not a row of CSV (unexpected end"),
        ('user,item\n10,9\n"20,\n' + "10,7\n" * 99_999, "line 3: not a row of CSV (field larger"),
        ("user,item\n10,\0\n", "line 2: cannot be read as a request, got b'\\x00'"),
    ],
)
def test_refused_with_the_line(catalogue, request_file, tmp_path, text, message):
    with pytest.raises(CragruError) as refused:
        read_request(request_file(text), catalogue)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value).replace(str(tmp_path), "")) < 250


def test_missing_file(catalogue, tmp_path):
    with pytest.raises(CragruError, match=r"none\.csv: no such file"):
        read_request(tmp_path / "none.csv", catalogue)
