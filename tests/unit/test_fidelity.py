# ruff: noqa: RUF001  # a page may have true minus signs
"""The numbers of docs/fidelity.md are those of the CSVs that it quotes: the copies in docs/fidelity/, or a run's.

CRAGRU_RESULTS names the folder of a run, such as results/ml-100k: then its tables and figures are compared.
"""

import os
import re
from pathlib import Path

import pytest

from cragru.config.base import load_yaml, parse
from tests.quotes import NUMBER, Page, Quotes, Tables, problems, read_once
from tests.refusals import assert_told

PAGE = Path(__file__).parents[2] / "docs" / "fidelity.md"
HOME = PAGE.with_suffix("")
QUOTES = HOME / "quotes.yaml"
PAGE_TEXT = """# A page

## Table II

| method | BPR NDCG@10 | printed | LightGCN |
|---|---|---|---|
| Retrain | .301 ± .002 | .291 | .309 |
| All of `sisa` | .15 to .24 | | |
| IFRU | <u>.290</u> ± .007 | .243 | .302 |

On 943 users of ML-100K IFRU's NDCG@10 is .011 [.007, .016]
lower (p < .05). It moves −.003 of 95 %.

## Else

Version 1.2.1 of Llama-3.1 has 80/10/10, `seed 1`, and 1,682 items.
"""
TABLE = """method,backbone,ndcg,sd,paper
Retrain,BPR,0.30081,0.0019,0.291
Retrain,LightGCN,0.3094,,
SISA (users),BPR,0.2377,,
SISA (interactions),BPR,0.149,,
IFRU,BPR,0.2899,0.0071,0.243
IFRU,LightGCN,0.3024,,0.214
"""
DIFFERENCES = """method,mean,low,high,p,share,users
IFRU,-0.0109,-0.0158,-0.0071,0.0123,-0.003,943
"""
OF_TABLE = {
    "table": "Table II",
    "csv": "table2.csv",
    "skip": ["All of sisa"],
    "columns": [
        {"head": "method", "key": "method"},
        {"head": "BPR NDCG@10", "row": {"backbone": "BPR"}, "numbers": ["ndcg", "sd"]},
        {"head": "printed", "row": {"backbone": "BPR"}, "numbers": ["paper"]},
        {"head": "LightGCN", "row": {"backbone": "LightGCN"}, "numbers": ["ndcg"]},
    ],
}
OF_IFRU = {
    "text": "On 943 users of ML-100K IFRU's NDCG@10 is .011 [.007, .016] lower (p < .05). It moves −.003",
    "csv": "differences.csv",
    "row": {"method": "IFRU"},
    "numbers": [
        "users",
        {"column": "mean", "times": -1},
        {"column": "high", "times": -1},
        {"column": "low", "times": -1},
        "p",
        "share",
    ],
}


@pytest.fixture
def tables(tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "table2.csv").write_text(TABLE)
    (tmp_path / "tables" / "differences.csv").write_text(DIFFERENCES)
    return Tables(tmp_path, tmp_path)


def quotes(*own, **further):
    return parse(Quotes, {"quotes": [*own], **further}, "quotes.yaml")


def check(tables, *own, page=PAGE_TEXT, **further):
    return problems(Page("page.md", page), quotes(*own, **further), tables)


def test_docs_fidelity_quotes_its_tables():
    results = Path(os.environ.get("CRAGRU_RESULTS") or HOME)
    own = parse(Quotes, load_yaml(QUOTES), str(QUOTES))
    page = Page("docs/fidelity.md", PAGE.read_text(encoding="utf-8"))
    found = problems(page, own, Tables(results, HOME, own.elsewhere))
    assert not found, "\n" + "\n".join(map(str, found))


def test_the_copies_are_those_that_are_quoted_and_the_page_shows_how_to_copy_them():
    own = parse(Quotes, load_yaml(QUOTES), str(QUOTES))
    quoted = set(re.findall(r'"csv":"([^"]+)"', own.model_dump_json()))
    assert {path.name for path in HOME.glob("*.csv")} == quoted
    copied = set(re.findall(r"([\w-]+\.csv)(?= .*docs/fidelity$)", PAGE.read_text(), re.MULTILINE))
    assert quoted - set(own.elsewhere) <= copied


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("HR@10 of ML-100K, Table2, RecBole 1.2.1, SmolLM2-135M, 80/10/10, 10⁻⁶", []),
        (".301 ± .002, [-.001, −0.5], 1,682 items; 95 %.", [".301", ".002", "-.001", "−0.5", "1,682", "95"]),
        ("4 to 6 times, 6-7, 25–75, [1,2]", ["4", "6", "6", "7", "25", "75", "1", "2"]),
    ],
)  # fmt: skip
def test_what_is_a_number(text, numbers):
    found = [f"{match['sign'] or ''}{match['digits']}" for match in NUMBER.finditer(text)]
    assert found == numbers


def test_right_numbers_are_no_problem(tables):
    assert check(tables, OF_TABLE, OF_IFRU) == []


@pytest.mark.parametrize(
    ("right", "wrong", "line"),
    [
        (".301", ".302", 7),
        (".002", ".003", 7),
        (".243", ".244", 9),
        (".302 |", ".303 |", 9),
        ("943", "944", 11),
        (".011", "-.011", 11),
        ("−.003", "−.0031", 12),
        ("p < .05", "p < .01", 12),
        ("p < .05", "p > .05", 12),
    ],
)
def test_a_wrong_number_is_found_where_it_stands(tables, right, wrong, line):
    own = {**OF_IFRU, "text": OF_IFRU["text"].replace(right, wrong)}
    (problem,) = check(tables, OF_TABLE, own, page=PAGE_TEXT.replace(right, wrong))
    assert problem.place == f"page.md:{line}"


def test_a_problem_shows_the_number_that_is_right(tables):
    (problem,) = check(tables, OF_TABLE, page=PAGE_TEXT.replace(".309", ".310"))
    what = "table2.csv has 0.309 (ndcg; method Retrain, backbone LightGCN)"
    assert str(problem) == f"page.md:7: {what}, got '.310'"


def test_a_changed_run_is_found(tables):
    file = tables.folder / "tables" / "table2.csv"
    file.write_text(TABLE.replace("0.30081", "0.3006"))
    read_once.cache_clear()
    assert check(tables, OF_TABLE) == []  # the same when rounded
    file.write_text(TABLE.replace("0.30081", "0.3004"))
    read_once.cache_clear()
    (problem,) = check(tables, OF_TABLE)
    assert problem.got == ".301"


def test_several_rows_differences_and_ratios(tables):
    page = "# A\n\n.15 to .24, 2 of them; .011 less than Retrain, .96 times as much, 96 %.\n"
    sisa = {"method": ["SISA (users)", "SISA (interactions)"]}
    retrain = {"row": {"method": "Retrain"}}
    ratio = {"column": "ndcg", "over": retrain}
    own = {
        "text": page.splitlines()[2],
        "csv": "table2.csv",
        "row": {"backbone": "BPR", "method": "IFRU"},
        "numbers": [
            {"column": "ndcg", "row": sisa, "take": "min"},
            {"column": "ndcg", "row": sisa, "take": "max"},
            {"column": "ndcg", "row": sisa, "take": "count"},
            {"column": "ndcg", "less": retrain, "times": -1},
            ratio,
            {**ratio, "times": 100},
        ],
    }
    assert check(tables, own, page=page) == []


def test_a_name_of_the_page_can_stand_for_rows_and_a_file(tables):
    page = "# A\n\n| who | NDCG |\n|---|---|\n| the best | .301 |\n"
    names = {"the best": {"csv": "table2.csv", "row": {"method": "Retrain", "backbone": "BPR"}}}
    columns = [
        {"head": "who", "key": "method", "names": names},
        {"head": "NDCG", "numbers": ["ndcg"]},
    ]
    assert check(tables, {"table": "A", "columns": columns}, page=page) == []


def test_a_column_can_have_another_file_and_another_choice_of_rows(tables):
    page = "# A\n\n| who | NDCG | lower by | year |\n|---|---|---|---|\n| IFRU | .290 | .011 | 2023 |\n"
    lower = [{"column": "mean", "times": -1}]
    columns = [
        {"head": "who", "key": "method"},
        {"head": "NDCG", "numbers": ["ndcg"]},
        {"head": "lower by", "csv": "differences.csv", "row": {"backbone": None}, "numbers": lower},
        {"head": "year", "of_no_run": True},
    ]
    own = {"table": "A", "csv": "table2.csv", "row": {"backbone": "BPR"}, "columns": columns}
    assert check(tables, own, page=page, sections=["A"]) == []


def test_what_nothing_covers_is_listed(tables):
    found = check(tables, OF_TABLE, OF_IFRU, sections=["Table II"])
    assert [problem.got for problem in found] == [".15", ".24", "95"]
    exempt = [".15 to .24", "95 %"]
    assert check(tables, OF_TABLE, OF_IFRU, sections=["Table II"], not_of_a_run=exempt) == []
    (problem,) = check(tables, sections=["Else"])
    assert (problem.place, problem.got) == ("page.md:16", "1,682")


@pytest.mark.parametrize(
    ("quote", "parts"),
    [
        ({"text": "On 944 users", "numbers": ["users"]}, {"got": "On 944 users"}),
        ({"text": "On 943 users", "csv": "other.csv", "numbers": ["users"]}, {"got": "other.csv"}),
        ({"text": "On 943 users", "csv": "differences.csv", "numbers": ["user"]}, {"got": "user"}),
        ({"text": "On 943 users", "csv": "table2.csv", "numbers": ["sd"]}, {"got": "6 rows"}),
        ({"text": "On 943 users", "numbers": []}, {"place": "page.md:11", "got": ["943"]}),
        ({**OF_TABLE, "table": "Table III"}, {"got": "Table III"}),
        ({**OF_TABLE, "number": 2}, {"got": 2}),
        ({**OF_TABLE, "columns": OF_TABLE["columns"][:3]}, {"place": "page.md, Table II"}),
    ],
)
def test_a_quote_that_fits_nothing_is_a_problem(tables, quote, parts):
    assert_told(check(tables, quote), **parts)


def test_texts_that_are_gone_are_problems_too(tables):
    assert_told(check(tables, not_of_a_run=["96 %"]), got="96 %")
    assert_told(check(tables, sections=["Table IX"]), got="Table IX")


def test_a_number_that_is_missing_agrees_with_nothing(tables):
    own = {"text": "is .011", "csv": "table2.csv", "numbers": ["sd"]}
    own["row"] = {"method": "IFRU", "backbone": "BPR"}
    (problem,) = check(tables, own)
    assert problem.got == ".011"
