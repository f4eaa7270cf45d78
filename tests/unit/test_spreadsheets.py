"""CSV files that people save: read, or refused in one line that says where and what to do."""

import pytest

from cragru.core.errors import CragruError
from cragru.written.spreadsheets import CsvRow, read_spreadsheet


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
    ("user,item\n1,2\n".encode("utf-16"), "it is UTF-16; save it in UTF-8"),
    ("user,item\n1,2\n".encode("utf-16-be"), "a NUL byte"),
    (
        b"user,item\n1,caf\xe9\n",
        "line 2: cannot be read as a request: byte 0xe9 is not UTF-8; save it in UTF-8",
    ),
    ("user;item\r\n1;2\r\n", "line 1: columns are parted by semicolons; save it with commas"),
    ("\n\nuser\titem\n1\t2\n", "line 3: columns are parted by tabs"),
    ("user,item\n1,2\n1,\0\n", "line 3: cannot be read as a request: a NUL byte"),
    (
        f"user,item\n1,2\n3,{'4' * 200_000}\n",
        "line 3: not a row of CSV (field larger than field limit",
    ),
    ('user,item\n1,"2\n3,4\n', "line 2: not a row of CSV (unexpected end of data)"),
    ('user,item\n1,"2"3\n', "line 2: not a row of CSV"),
]


@pytest.mark.parametrize(("content", "said"), REFUSED)
def test_what_cannot_be_read_is_one_line(read, content, said):
    with pytest.raises(CragruError) as caught:
        read(content)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(CragruError, match="cannot be read as printed values"):
        read_spreadsheet(tmp_path, "printed values")
