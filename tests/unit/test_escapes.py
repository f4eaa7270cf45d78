"""Labels and captions stand in tables as they are, whatever LaTeX and Markdown would make of them."""

import re

import pytest
from documents import check_it_fits, compiled

from cragru.reporting.escapes import (
    LATEX_LETTERS,
    LATEX_MATHS,
    LATEX_SPECIAL,
    MINUS,
    escape_latex,
    escape_markdown,
)
from cragru.reporting.grid import Text, markdown
from cragru.reporting.latex import latex

SIGNS = " ".join(chr(code) for code in range(33, 127))
NASTY = [
    "\\ # $ % & _ { } ~ ^",
    SIGNS,
    "100 % of a_b & c",
    "$x_",
    "\\input{/etc/passwd}",
    "a--b---c",
    "日本語 λ Ж 🎬",
    "Café Łódź ½ “q”",
    "e\u0301",
    "[x]",
    "*",
    "]",
    "``''",
    "%",
    "^^M",
]


def test_every_sign_is_typeset(tmp_path):
    """In names that are blank where they repeat, in values, bold and underlined, in captions and notes."""
    tables = []
    for number, text in enumerate(NASTY):
        grid = [[Text(text), Text(text, text, "best")], [Text(text + "!"), Text("1", "", "second")]]
        caption = " ".join((text, text))
        tables.append(latex([text, text], grid, caption, f"tab:a_{number}/b", [text]))
    check_it_fits(compiled(tmp_path, *tables))


def test_every_letter_that_is_printed_as_it_is_can_be(tmp_path):
    letters = sorted(LATEX_LETTERS | LATEX_SPECIAL.keys() | LATEX_MATHS.keys())
    lines = [" ".join(letters[start : start + 20]) for start in range(0, len(letters), 20)]
    grid = [[Text(line)] for line in lines]
    log = compiled(tmp_path, latex(["letters"], grid, " ".join(letters), "tab:l", lines))
    check_it_fits(log)
    assert all(r"\Umathchar" not in escape_latex(letter) for letter in letters)


DASHES = [
    ("a--b---c-d", "a-{}-b-{}-{}-c-d"),  # as many hyphens, and no dash of them
    ("a\N{EN DASH}b", "a--b"),
    ("a\N{EM DASH}b", "a---b"),
]


@pytest.mark.parametrize(("text", "escaped"), DASHES)
def test_hyphens_stay_hyphens_and_dashes_dashes(text, escaped):
    assert escape_latex(text) == escaped


def test_a_letter_that_latex_lacks_stands_by_its_code():
    assert escape_latex("日") == r"\ifx\Umathchar\undefined {[}U+65E5{]}\else 日\fi{}"
    assert escape_latex("e\u0301") == "é"


@pytest.mark.parametrize(
    "text",
    [
        "CRAGRU, shuffled",
        "0.1234*",
        "0.12* [0.5]",
        f"{MINUS}0.1 ± 0.2",
        "(n = 3)",
        "a_b",
        "p < 0.05",
        "A & B",
        "1,682",
        "*: x",
    ],
)
def test_what_markdown_leaves_alone_is_not_touched(text):
    assert escape_markdown(text) == text


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a|b", r"a\|b"),
        ("`x`", r"\`x\`"),
        ("**x**", r"\*\*x**"),
        ("_x_", r"\_x_"),
        ("~~x~~", r"\~\~x~~"),
        ("<b>x</b>", r"\<b>x\</b>"),
        ("&lt;", r"\&lt;"),
        ("[x](y)", r"[x\](y)"),
        ("a\\b", r"a\\b"),
    ],
)
def test_what_markdown_would_obey_is_escaped(text, escaped):
    assert escape_markdown(text) == escaped
    assert f"| {escaped} " in markdown(["a"], [[Text(text)]], "c")


@pytest.mark.parametrize(
    ("text", "begins"), [("# a", r"\# a"), ("1. a", r"1\. a"), ("- a", r"\- a"), ("<b>", r"\<b>")]
)
def test_a_caption_is_a_paragraph(text, begins):
    assert markdown(["a"], [[Text("1")]], text, [text]).startswith(begins + "\n\n")
    assert re.search(rf"\n\n{re.escape(begins)}\n$", markdown(["a"], [[Text("1")]], "c", [text]))
