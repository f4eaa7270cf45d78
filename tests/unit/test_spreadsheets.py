"""CSV files that people save: read, or refused in one line that says where and what to do."""

import os

import pytest

from cragru.core.errors import NOTHING
from cragru.written.spreadsheets import CsvRow, read_spreadsheet
from tests.refusals import refused


@pytest.fixture
def read(tmp_path):
    def of(content):
        path = tmp_path / "sheet.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_spreadsheet(path, "a request")

    return of


WANTED = [CsvRow(1, ["user", "item"]), CsvRow(2, ["1", "2"]), CsvRow(3, ["3", ""])]
SAVED = [
    "user,item\n1,2\n3,\n",
    "\ufeffuser,item\r\n1,2\r\n3,\r\n",  # Excel's CSV UTF-8
    "user,item\r1,2\r3,",
    '"user","item"\n"1"," 2 "\n"3",""\n',
    "user,item,,\n1,2,,\n3,,,\n",  # columns that were cleared
    "user,item\n1,2\n3,\n,\n,\n\n",  # rows that were cleared
]


@pytest.mark.parametrize("content", SAVED)
def test_what_spreadsheets_save_is_read(read, content):
    assert read(content) == WANTED


def test_a_file_without_text_has_no_rows(read):
    assert read("") == read("\ufeff") == read(" ,\n\n") == []


def test_lines_are_those_of_the_file(read):
    assert read('user,item\n\n"1\n1",2\n3,4\n') == [
        CsvRow(1, ["user", "item"]),
        CsvRow(3, ["1\n1", "2"]),
        CsvRow(5, ["3", "4"]),
    ]


REFUSED = [
    ("user,item\n1,2\n".encode("utf-16"), 1, "UTF-16"),
    ("user,item\n1,2\n".encode("utf-16-be"), 1, b"\0"),
    (b"user,item\n1,caf\xe9\n", 2, b"\xe9"),
    ("user;item\r\n1;2\r\n", 1, ";"),
    ("\n\nuser\titem\n1\t2\n", 3, "\t"),
    ("user,item\n1,2\n1,\0\n", 3, b"\0"),
    (f"user,item\n1,2\n3,{'4' * 200_000}\n", 3, NOTHING),
    ('user,item\n1,"2\n3,4\n', 2, NOTHING),
    ('user,item\n1,"2"3\n', 2, NOTHING),
]


@pytest.mark.parametrize(("content", "line", "got"), REFUSED)
def test_what_cannot_be_read_is_one_line(read, tmp_path, content, line, got):
    with refused(place=f"{tmp_path}/sheet.csv, line {line}", got=got) as caught:
        read(content)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_what_cannot_be_read_is_one_sentence(read, tmp_path):
    with refused() as caught:
        read(b"user,item\n1,caf\xe9\n")
    wanted = "line 2: cannot be read as a request, got b'\\xe9'; save it in UTF-8"
    assert str(caught.value) == f"{tmp_path}/sheet.csv, {wanted}"
    with refused() as caught:
        read("user;item\n")
    wanted = "line 1: wrong separator, got ';'; use commas"
    assert str(caught.value) == f"{tmp_path}/sheet.csv, {wanted}"


def test_a_folder_is_no_file(tmp_path):
    with refused(place=tmp_path):
        read_spreadsheet(tmp_path, "printed values")


@pytest.mark.parametrize("kind", ["pipe", "zero", "circle"])
def test_what_is_no_plain_file_is_not_waited_for(tmp_path, kind):
    path = tmp_path / "a.csv"
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "zero":
            path.symlink_to("/dev/zero")
        case "circle":
            path.symlink_to(path)
    with refused(place=path):
        read_spreadsheet(path, "a request")


def test_a_file_that_is_not_there(tmp_path):
    with refused(place=tmp_path / "a.csv") as caught:
        read_spreadsheet(tmp_path / "a.csv", "printed values")
    assert "No such file" in str(caught.value)
