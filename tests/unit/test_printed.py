"""The paper's printed values are plain numbers, or their cell is named."""

import pytest
from configuration import ROOT, load_changed

from cragru.core.errors import CragruError
from cragru.evaluation.printed_columns import OF_DATASETS, OF_TIMES, OF_UTILITY
from cragru.written.printed import printed, printed_values
from tests.refusals import AtLeast, refused

HEADER = "dataset,backbone,method,k,hr,ndcg\n"


@pytest.fixture
def read(tmp_path):
    def of(text, columns=OF_UTILITY):
        path = tmp_path / "paper.csv"
        path.write_text(text, encoding="utf-8")
        return printed_values(path, columns)

    return of


def test_numbers_are_read_by_what_their_row_is_of(read):
    values = read(HEADER + "NA,1,True,5,0.6643,.5\nNA,1,True,10,1e-2,-3.\n")
    assert values == {
        ("NA", "1", "True", 5): {"hr": 0.6643, "ndcg": 0.5},
        ("NA", "1", "True", 10): {"hr": 0.01, "ndcg": -3.0},
    }
    assert printed(values, ("NA", "1", "True", 5), "hr") == 0.6643


def test_columns_are_read_by_their_names_in_any_order(read):
    assert read("ndcg,k,method,hr,backbone,dataset\n.1,5,M,.2,B,D\n") == {
        ("D", "B", "M", 5): {"hr": 0.2, "ndcg": 0.1}
    }


def test_what_the_paper_does_not_have(read):
    values = read("dataset,users\nML-100K,944\nML-1M,\n", OF_DATASETS)
    assert printed(values, ("ML-100K",), "users") == 944
    assert printed(values, ("ML-100K",), "items") is None  # no column
    assert printed(values, ("ML-1M",), "users") is None  # an empty cell
    assert printed(values, ("Mine",), "users") is None  # no row
    assert printed_values(None, OF_DATASETS) == {}


def test_what_a_spreadsheet_adds_is_no_matter(read):
    saved = "\ufeffdataset,users,\r\n ML-100K , 944 ,\r\n,,\r\n"
    assert read(saved, OF_DATASETS) == {("ML-100K",): {"users": 944.0}}


@pytest.mark.parametrize(
    "cell",
    [
        '"1,682"',
        '"1.682,5"',
        '"0,65"',
        "65 %",
        "65%",
        "1 682",
        "1_682",
        "1\u00a0682",
        "\u22120.5",
        "\u0661",
        "~0.5",
        "0.5*",
        "NA",
        "nan",
        "inf",
        "1e999",
        "-",
        "0x10",
        "1.2.3",
    ],
)
def test_a_number_that_is_none_or_may_be_two_is_named(read, tmp_path, cell):
    place = f"{tmp_path}/paper.csv, line 3, column 'ndcg'"
    with refused(place=place, got=cell.strip('"')) as caught:
        read(HEADER + f"ML,BPR,Retrain,5,0.5,0.5\nML,BPR,SISA,5,0.5,{cell}\n")
    assert "\n" not in str(caught.value)


WRONG = [
    (HEADER + "ML,BPR,Retrain,5,1,682,0.5\n", ", line 2", {}),
    (HEADER + "ML,BPR,Retrain,5,0.5\n", ", line 2", {}),
    (HEADER + "ML,,Retrain,5,0.5,0.5\n", ", line 2, column 'backbone'", {"got": ""}),
    (HEADER + "ML,BPR,Retrain,5.0,0.5,0.5\n", ", line 2, column 'k'", {"got": "5.0"}),
    (HEADER + "ML,BPR,Retrain,,0.5,0.5\n", ", line 2, column 'k'", {"got": ""}),
    ("dataset,method,hr\nML,Retrain,0.5\n", ", column 'backbone'", {"what": "missing"}),
    ("dataset,method,hr\nML,Retrain,0.5\n", ", column 'k'", {"what": "missing"}),
    (
        "dataset,backbone,method,k,HR\n",
        "",
        {"got": "HR", "allowed": AtLeast(["backbone", "dataset", "hr", "k", "method", "ndcg"])},
    ),
    ("dataset,backbone,method,k,hr,hr\n", "", {"got": "hr"}),
    (HEADER.replace(",", ";"), ", line 1", {"got": ";"}),
    *(("", f", column {name!r}", {"what": "missing"}) for name in OF_UTILITY.keys),
    (
        HEADER + "ML,BPR,Retrain,5,1,1\nML,BPR,Retrain,5,2,2\n",
        ", line 3",
        {"got": ("ML", "BPR", "Retrain", 5)},
    ),
]


@pytest.mark.parametrize(("text", "place", "parts"), WRONG)
def test_what_cannot_be_read_is_one_line(read, tmp_path, text, place, parts):
    with refused(place=f"{tmp_path}/paper.csv{place}", **parts) as caught:
        read(text)
    assert "\n" not in str(caught.value)


def test_what_cannot_be_read_is_one_sentence(read, tmp_path):
    with refused() as caught:
        read(HEADER + "ML,BPR,Retrain,5,65 %,\n")
    assert str(caught.value) == (
        f"{tmp_path}/paper.csv, line 2, column 'hr': got '65 %'; name the row; write digits, with a decimal point "
        "where there is one, such as 1682 or 0.65"
    )
    with refused() as caught:
        read(HEADER + "ML,BPR,Retrain,5,1,682,0.5\n")
    assert str(caught.value) == (
        f"{tmp_path}/paper.csv, line 2: not 6 cells, got 7; "
        "write numbers without a comma, and quotes around a text with one"
    )


@pytest.mark.parametrize(
    ("name", "columns", "rows"),
    [("table1", OF_DATASETS, 3), ("table2", OF_UTILITY, None), ("table3", OF_TIMES, None)],
)
def test_the_shipped_values_are_read_whole(name, columns, rows):
    path = ROOT / f"config/paper/{name}.csv"
    values = printed_values(path, columns)
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    assert len(values) == len(lines) == (rows or len(lines)) > 0
    numbers = [number for row in values.values() for number in row.values()]
    filled = [cell for line in lines for cell in line.split(",")[len(columns.keys) :] if cell]
    assert numbers == [float(cell) for cell in filled]


@pytest.mark.parametrize(
    ("table", "text", "column", "got"),
    [
        ("table1", 'dataset,users\nML-100K,"1,682"\n', "users", "1,682"),
        ("table2", HEADER + "ML,BPR,Retrain,5,65 %,\n", "hr", "65 %"),
        (
            "table3",
            "dataset,backbone,method,unlearning_seconds\nML,BPR,Retrain,about 3\n",
            "unlearning_seconds",
            "about 3",
        ),
    ],
)
def test_a_wrong_file_is_refused_before_anything_runs(shipped, tmp_path, table, text, column, got):
    (tmp_path / "paper.csv").write_text(text)
    with pytest.raises(CragruError) as caught:
        load_changed(shipped, tmp_path, {f"tables/tables/{table}/paper": "paper.csv"})
    message = str(caught.value)
    for fact in (f"tables.{table}.paper:", "paper.csv,", repr(column), *repr(got).split()):
        assert fact in message
    assert "\n" not in message
