"""Whatever a file holds, it is read right or refused in one line: requests, raw files, printed values, our own CSVs."""

import csv
import io
import math
import re
import string

import numpy as np
import pandas as pd
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from cragru.core.errors import CragruError
from cragru.data import movielens_1m, movielens_100k, recbole_ml_100k
from cragru.data.requests import Catalogue, read_request
from cragru.evaluation.printed_columns import OF_UTILITY
from cragru.kept.csv_files import read_csv, write_csv
from cragru.written.printed import printed_values
from tests.raw_data import MINI_1M, MINI_100K, MINI_RECBOLE, write

LONGEST = 450  # characters of a line, the path left out
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1", "cp1252", "utf-32"]
LETTERS = st.characters(codec="utf-8")
PLACES = {(0, 0): 0, (0, 2): 1, (1, 1): 2}  # rows of the interactions, by user and item
USERS, ITEMS = ["10", "20"], ["7", "8", "9"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One for all inputs of a test."""
    return tmp_path_factory.mktemp("reading")


def refusal(path, error):
    """The message of a refusal, which is one line, not long, and names the file first; statistics count it."""
    event("refused")
    message = str(error)
    assert message.splitlines() == [message]
    assert message.startswith(str(path))
    assert len(message.replace(str(path), "")) < LONGEST
    return message


# --- requests


def catalogue():
    interactions = pd.DataFrame(list(PLACES), columns=["user", "item"])
    users = pd.DataFrame({"user": range(2), "raw_id": USERS})
    return Catalogue(interactions, users, pd.DataFrame({"item": range(3), "raw_id": ITEMS}))


def tables(cells, header):
    """Texts that look like CSV with this header: cells, separators, line ends and quotes of all kinds."""
    separators, ends = (
        st.sampled_from([",", ";", "\t"]),
        st.sampled_from(["\n", "\r\n", "\r", "\n\n"]),
    )

    def text(rows, separator, end):
        return end.join(separator.join(row) for row in [header, *rows])

    quoted = cells.map(lambda cell: f'"{cell}"') | cells
    rows = st.lists(
        st.lists(quoted, min_size=len(header) - 1, max_size=len(header) + 1), max_size=6
    )
    return st.builds(text, rows, separators | st.just(","), ends)


def as_bytes(texts):
    """A text as somebody saves it; what an encoding does not have becomes a question mark."""
    return st.builds(
        lambda text, encoding: text.encode(encoding, "replace"),
        texts,
        st.sampled_from(ENCODINGS) | st.just("utf-8"),
    )


REQUEST_CELLS = st.sampled_from([*USERS, *ITEMS, "", " ", "010", "10.0"]) | st.text(
    LETTERS, max_size=4
)
REQUESTS = st.binary(max_size=60) | as_bytes(tables(REQUEST_CELLS, ["user", "item"]))


@given(REQUESTS)
def test_any_bytes_are_a_request_or_one_line(folder, content):
    path = folder / "request.csv"
    path.write_bytes(content)
    try:
        rows = read_request(path, catalogue())
    except CragruError as error:
        refusal(path, error)
    else:
        assert len(rows) > 0
        assert np.all(np.diff(rows) > 0)
        assert set(rows.tolist()) <= set(PLACES.values())


@given(
    st.lists(st.sampled_from(list(PLACES)), min_size=1, unique=True),
    st.sampled_from(["utf-8", "utf-8-sig"]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.text(" ", max_size=2),
)
def test_what_a_spreadsheet_saves_is_what_was_asked_for(
    folder, pairs, encoding, end, quoting, blank
):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=end, quoting=quoting)
    asked = [(blank + USERS[user], ITEMS[item] + blank) for user, item in pairs]
    writer.writerows([("user", "item"), *asked])
    (folder / "request.csv").write_bytes(text.getvalue().encode(encoding))
    rows = read_request(folder / "request.csv", catalogue())
    assert rows.tolist() == sorted(PLACES[pair] for pair in pairs)


# --- raw files

LAYOUTS = {
    "movielens-100k": (movielens_100k.load, MINI_100K, "latin-1"),
    "movielens-1m": (movielens_1m.load, MINI_1M, "latin-1"),
    "recbole": (recbole_ml_100k.load, MINI_RECBOLE, "utf-8"),
}


def cut(content, first, second, other):
    first, second = sorted((first % (len(content) + 1), second % (len(content) + 1)))
    return content[:first] + content[second:]


def put(content, first, second, other):
    first %= len(content) + 1
    return content[:first] + other + content[first:]


def overwrite(content, first, second, other):
    first %= len(content) + 1
    return content[:first] + other + content[first + len(other) :]


def repeat(content, first, second, other):
    lines = content.split(b"\n")
    lines.insert(first % len(lines), lines[second % len(lines)])
    return b"\n".join(lines)


def swap(content, first, second, other):
    lines = content.split(b"\n")
    first, second = first % len(lines), second % len(lines)
    lines[first], lines[second] = lines[second], lines[first]
    return b"\n".join(lines)


SMALL = st.integers(0, 400)
BYTES = st.binary(min_size=1, max_size=4) | st.text(
    string.digits + "|\t:\n\r.-é\N{EURO SIGN}", min_size=1, max_size=4
).map(str.encode)
CHANGES = st.lists(
    st.tuples(st.sampled_from([cut, put, overwrite, repeat, swap]), SMALL, SMALL, BYTES), max_size=3
)


def loaded(load, folder, files):
    """The tables, or None where a file was refused as it should be."""
    try:
        tables = load(folder)
        tables.refuse_repeats()  # as preparation does
        return tables
    except CragruError as error:
        paths = [folder / name for name in files if str(error).startswith(str(folder / name))]
        refusal(paths[0], error)
        return None


@pytest.mark.parametrize("layout", LAYOUTS)
@given(st.data())
def test_any_change_of_a_raw_file_is_read_or_one_line(folder, layout, data):
    load, files, encoding = LAYOUTS[layout]
    write(folder / layout, files, encoding)
    path = folder / layout / data.draw(st.sampled_from(list(files)), "file")
    content = path.read_bytes()
    for change, *where in data.draw(CHANGES, "changes"):
        content = change(content, *where)
    path.write_bytes(content)
    found = loaded(load, folder / layout, files)
    if found is not None:
        keeps_its_promises(found)


def keeps_its_promises(found):
    """What is read is what `RawTables` says, without repeats."""
    rows = found.interactions
    assert not rows.duplicated(["user", "item"]).any()
    assert rows["rating"].between(*found.scale).all()
    assert set(rows["user"]) <= set(found.users["raw_id"])
    assert set(rows["item"]) <= set(found.items["raw_id"])
    for frame in (found.users, found.items):
        assert frame["raw_id"].is_unique
        for name in frame.columns.difference(["raw_id", "year"]):
            assert all(isinstance(value, str) for value in frame[name])


LATIN = st.text(string.ascii_letters + "".join(map(chr, range(0xC0, 0x100))), min_size=1)


@pytest.mark.parametrize("layout", LAYOUTS)
@given(st.data())
def test_a_file_that_was_saved_anew_has_the_same_letters_or_is_refused(folder, layout, data):
    load, files, encoding = LAYOUTS[layout]
    title = data.draw(LATIN, "title")
    files = {name: text.replace("Uncle", title) for name, text in files.items()}
    files = {name: text.replace("Associate", title) for name, text in files.items()}
    wanted = load(write(folder / layout, files, encoding))
    assert any(title in one for one in wanted.items["title"])
    name = data.draw(st.sampled_from(list(files)), "file")
    content = files[name].encode(data.draw(st.sampled_from(ENCODINGS), "encoding"))
    (folder / layout / name).write_bytes(content)
    found = loaded(load, folder / layout, files)
    if found is not None:
        for frame in ("interactions", "users", "items"):
            pd.testing.assert_frame_equal(getattr(found, frame), getattr(wanted, frame))


# --- our own CSVs

CELLS = st.lists(
    st.tuples(
        st.text(LETTERS), st.floats(allow_nan=False) | st.none(), st.integers(-(2**63), 2**63 - 1)
    )
)


@given(CELLS, st.text(LETTERS))
def test_any_table_comes_back_as_it_was_written(folder, rows, name):
    columns = [name, f"{name} of value", f"{name} of count"]
    schema = dict(zip(columns, ["object", "float64", "int64"], strict=True))
    frame = pd.DataFrame(rows, columns=columns).astype(schema)
    write_csv(folder / "table.csv", frame)
    found = read_csv(folder / "table.csv", schema)
    pd.testing.assert_frame_equal(found, frame, check_exact=True)


@given(
    st.binary(max_size=60)
    | as_bytes(tables(st.text(LETTERS, max_size=4) | st.just("1"), ["label", "value"]))
)
def test_any_bytes_are_a_table_or_one_line(folder, content):
    path = folder / "table.csv"
    path.write_bytes(content)
    try:
        found = read_csv(path, {"label": "object", "value": "float64"})
    except CragruError as error:
        refusal(path, error)
    else:
        assert all(isinstance(label, str) for label in found["label"])


# --- printed values

NUMBERS = st.sampled_from(
    ["0.5", "1,682", "65 %", "1.682,5", "", "nan", "1e999", "1_0", "\u0661"]
) | st.text(LETTERS, max_size=5)
PRINTED_HEADER = ["dataset", "backbone", "method", "k", "hr"]


@given(
    st.binary(max_size=60)
    | as_bytes(tables(NUMBERS | st.sampled_from(["ML", "5", "10"]), PRINTED_HEADER))
)
def test_any_bytes_are_printed_values_or_one_line(folder, content):
    path = folder / "paper.csv"
    path.write_bytes(content)
    try:
        values = printed_values(path, OF_UTILITY)
    except CragruError as error:
        refusal(path, error)
    else:
        numbers = [number for row in values.values() for number in row.values()]
        assert all(map(math.isfinite, numbers))


@given(st.text(LETTERS), NUMBERS)
def test_any_printed_cell_is_read_or_named(folder, label, cell):
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(
        [PRINTED_HEADER, ["ML", "BPR", label, "5", cell]]
    )
    path = folder / "paper.csv"
    path.write_bytes(text.getvalue().encode())
    try:
        values = printed_values(path, OF_UTILITY)
    except CragruError as error:
        message = refusal(path, error)
        assert re.search(r",\s+line\s", message)  # a label may have lines of its own
    else:
        ((key, numbers),) = values.items()
        assert key == ("ML", "BPR", label.strip(), 5)
        assert numbers == ({"hr": float(cell)} if cell.strip() else {})
