"""Deletion requests from a file: right ones become rows, wrong ones name their line."""

import pandas as pd
import pytest

from cragru.core.errors import CragruError
from cragru.core.place import spot
from cragru.data.requests import Catalogue, read_request
from tests.refusals import refused


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


@pytest.fixture
def same_ids():
    """Users and items with the same ids, 1 and 2 (0 and 1 here); user 1 has both items, user 2 has item 1."""
    frame = pd.DataFrame({"user": [0, 1], "item": [0, 1], "raw_id": ["1", "2"]})
    return Catalogue(pd.DataFrame({"user": [0, 0, 1], "item": [0, 1, 0]}), frame, frame)


@pytest.mark.parametrize(
    ("line", "rows"), [("1,1", [0]), ("1,2", [1]), ("2,1", [2]), ("1,", [0, 1]), ("2,", [2])]
)
def test_the_first_column_is_the_user(same_ids, request_file, line, rows):
    assert read_request(request_file(f"user,item\n{line}\n"), same_ids).tolist() == rows


@pytest.mark.parametrize("header", ["item,user", "user,user", "User,Item", "item"])
def test_another_header_is_refused_though_its_lines_could_be_read(same_ids, request_file, header):
    """With columns in another order a line such as 1,2 would ask for somebody else's row."""
    path = request_file(f"{header}\n1,2\n")
    with refused(place=spot(path, 1), got=header):
        read_request(path, same_ids)


def test_a_folder_is_no_request(catalogue, tmp_path):
    with pytest.raises(CragruError, match=rf"^{tmp_path}:"):
        read_request(tmp_path, catalogue)


LONG = "9" * 100_000
UNKNOWN = "use the publisher's ids"


@pytest.mark.parametrize(
    ("text", "line", "parts"),
    [
        ("user,item\n10,9\n99,9\n", 3, {"what": "unknown user", "got": "99", "advice": UNKNOWN}),
        ("user,item\n10,99\n", 2, {"what": "unknown item", "got": "99", "advice": UNKNOWN}),
        ("user,item\n10,8\n", 2, {"what": "no such interaction", "got": "10,8"}),
        ("user,item\n10,9\n10,\n", 3, {"what": "line 2 asks for it too"}),
        ("user,item\n10,9,1\n", 2, {"got": "10,9,1"}),
        ("user,item\n,9\n", 2, {"got": ",9"}),
        ("10,9\n", 1, {"got": "10,9"}),
        ("", 1, {"got": ""}),
        ("user,item\n", None, {"what": "asks for nothing"}),
        (f"user,item\n10,9\n{LONG},9\n", 3, {"what": "unknown user", "got": LONG}),
        (f"user,item\n10,{LONG}\n", 2, {"what": "unknown item", "got": LONG}),
        (f"user,item\n10,9,{LONG}\n", 2, {"got": f"10,9,{LONG}"}),
        (f"{LONG}\n", 1, {"got": LONG}),
    ],
)
def test_refused_with_the_line(catalogue, request_file, text, line, parts):
    path = request_file(text)
    with refused(place=spot(path, line), **parts) as caught:
        read_request(path, catalogue)
    is_short_line(caught.value, path)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("user;item\n10;9\n", 1),
        (f"user,item\n10,9\n{LONG * 2},9\n", 3),
        ('user,item\n10,9\n"20,\n' + "10,7\n" * 1000, 3),
        ('user,item\n10,9\n"20,\n' + "10,7\n" * 99_999, 3),
        ("user,item\n10,\0\n", 2),
    ],
)
def test_what_is_no_csv_is_refused_with_the_line(catalogue, request_file, text, line):
    path = request_file(text)
    with pytest.raises(CragruError, match=rf"^{path},\s+line\s+{line}:") as caught:
        read_request(path, catalogue)
    is_short_line(caught.value, path)


def is_short_line(error, path):
    message = str(error)
    assert "\n" not in message
    assert len(message.replace(str(path), "")) < 250


def test_the_sentence(catalogue, request_file):
    path = request_file("user,item\n99,9\n")
    with pytest.raises(CragruError) as caught:
        read_request(path, catalogue)
    assert str(caught.value) == f"{path}, line 2: unknown user, got '99'; use the publisher's ids"


def test_missing_file(catalogue, tmp_path):
    with pytest.raises(CragruError, match=rf"^{tmp_path}/none\.csv:"):
        read_request(tmp_path / "none.csv", catalogue)
