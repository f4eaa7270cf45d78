"""The paper's printed values are plain numbers, or their cell is named."""

import pytest
from configuration import ROOT, load_changed

from cragru.core.errors import CragruError
from cragru.evaluation.printed_columns import OF_DATASETS, OF_TIMES, OF_UTILITY
from cragru.written.printed import printed, printed_values

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
def test_a_number_that_is_none_or_may_be_two_is_named(read, cell):
    with pytest.raises(CragruError) as caught:
        read(HEADER + f"ML,BPR,Retrain,5,0.5,0.5\nML,BPR,SISA,5,0.5,{cell}\n")
    message, shown = str(caught.value), cell.strip('"')
    assert (
        f"paper.csv, line 3, column 'ndcg': got {shown!r}; write digits with a decimal point"
        in message
    )
    assert "\n" not in message


WRONG = [
    (
        HEADER + "ML,BPR,Retrain,5,1,682,0.5\n",
        "line 2: 7 cells, expected 6 as in the header; a number has no comma",
    ),
    (HEADER + "ML,BPR,Retrain,5,0.5\n", "line 2: 5 cells, expected 6"),
    (
        HEADER + "ML,,Retrain,5,0.5,0.5\n",
        "line 2, column 'backbone': empty; name what the row is of",
    ),
    (
        HEADER + "ML,BPR,Retrain,5.0,0.5,0.5\n",
        "line 2, column 'k': got '5.0'; write a whole number",
    ),
    (HEADER + "ML,BPR,Retrain,,0.5,0.5\n", "line 2, column 'k': got ''; write a whole number"),
    ("dataset,method,hr\nML,Retrain,0.5\n", "columns ['backbone', 'k'] are missing; it has"),
    (
        "dataset,backbone,method,k,HR\n",
        "column 'HR': not known (allowed: backbone, dataset, hr, k, method, ndcg); rename or remove it",
    ),
    ("dataset,backbone,method,k,hr,hr\n", "column 'hr' is there twice; keep one"),
    (HEADER.replace(",", ";"), "line 1: columns are parted by semicolons; save it with commas"),
    ("", "columns ['dataset', 'backbone', 'method', 'k'] are missing; it has []"),
    (
        HEADER + "ML,BPR,Retrain,5,1,1\nML,BPR,Retrain,5,2,2\n",
        "line 3: the row of dataset 'ML', backbone 'BPR', method 'Retrain', k '5' is there twice; keep one",
    ),
]


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_what_cannot_be_read_is_one_line(read, text, said):
    with pytest.raises(CragruError) as caught:
        read(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


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
    ("table", "text"),
    [
        ("table1", 'dataset,users\nML-100K,"1,682"\n'),
        ("table2", HEADER + "ML,BPR,Retrain,5,65 %,\n"),
        ("table3", "dataset,backbone,method,unlearning_seconds\nML,BPR,Retrain,about 3\n"),
    ],
)
def test_a_wrong_file_is_refused_before_anything_runs(shipped, tmp_path, table, text):
    (tmp_path / "paper.csv").write_text(text)
    with pytest.raises(CragruError) as caught:
        load_changed(shipped, tmp_path, {f"tables/tables/{table}/paper": "paper.csv"})
    message = str(caught.value)
    assert message.startswith(f"config/tables.yaml: tables.{table}.paper: ")
    assert "paper.csv, line 2, column " in message
    assert "\n" not in message
