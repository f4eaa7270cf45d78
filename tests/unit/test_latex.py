"""Tables and figures as LaTeX: parts whose letters can be read, and a compact form."""

import re

import numpy as np
import pytest
from documents import check_it_fits, compiled, letters

from cragru.reporting.grid import Text, interval_text
from cragru.reporting.latex import LEAST_LETTERS, MOST_LINES, latex, latex_figure

METHODS = [
    *("Original", "Retrain", "SISA (users)", "GraphEraser (BLPA)", "RecEraser (UBP)"),
    *("SCIF", "IFRU", "Retrain, again"),
]
CRAGRU = [
    *(f"CRAGRU{kind}" for kind in ("", ", shuffled", ", random ties", ", random", ", attention")),
    "CRAGRU, shuffled, candidates of Retrain",
    "Candidates, no LLM, candidates of Retrain",
]
NOTE = "A note of some length, such as a reader must have to trust the numbers. " * 25


def panels(measures, digits=3, methods=METHODS, own=CRAGRU):
    """A table of two panels and backbones whose numbers have bounds."""
    rng, grid = np.random.default_rng(1), []
    for panel, rows in (("all users", methods), ("cohort pilot", methods + own)):
        for backbone in ("BPR", "LightGCN"):
            for name in rows:
                names = map(Text, (panel, "MovieLens 100K", backbone, name))
                values = rng.uniform(0, 1, measures)
                texts = [
                    interval_text(value, value - 0.1, value + 0.1, 24, digits) for value in values
                ]
                grid.append([*names, *texts])
    names = [f"Measure {number}" for number in range(measures)]
    return ["Users", "Data set", "Backbone", "Method", *names], grid


def tables(text):
    """Body lines of each table of a text."""
    bodies = [part.partition("\\midrule\n")[2] for part in text.split("\\toprule\n")[1:]]
    return [body.partition("\n\\bottomrule")[0].splitlines() for body in bodies]


WIDE = {  # measures and their digits
    "as wide as Table IV": (6, 3),
    "as wide as Table V": (8, 4),
    "of one measure": (1, 3),
}


@pytest.mark.parametrize("kind", WIDE)
def test_no_part_has_smaller_letters_than_can_be_read(kind, tmp_path):
    """Measured by LaTeX, on the page of a one-column article."""
    header, grid = panels(*WIDE[kind])
    text = latex(header, grid, "What is known of forgotten rows", "tab:4", [NOTE])
    points = letters(tmp_path, text)
    assert len(points) == text.count(r"\begin{table*}") > 1
    assert min(points) >= LEAST_LETTERS


def test_every_number_stands_in_one_part():
    header, grid = panels(6)
    text = latex(header, grid, "c", "l")
    shown = text.replace("$-$", "\N{MINUS SIGN}")
    numbers = [f" {text.value} [{text.paper}] " for row in grid for text in row[4:]]
    assert len(numbers) == 6 * len(grid)
    assert [shown.count(number) for number in numbers] == [numbers.count(own) for own in numbers]
    assert all(len(body) <= MOST_LINES for body in tables(text))


def test_a_table_is_cut_at_its_panels_and_then_into_columns():
    """16 and 22 rows below two backbones each; six measures are three and three."""
    text = latex(*panels(6, own=CRAGRU[:3]), "All of it", "tab:4", ["The note."])
    headings = [re.findall(r"\\textit{(.*?)}", "\n".join(body)) for body in tables(text)]
    both = ["{}, MovieLens 100K, BPR", "{}, MovieLens 100K, LightGCN"]
    first, second = (
        [line.format(panel) for line in both] for panel in ("all users", "cohort pilot")
    )
    assert headings == [first, first, second, second]
    captions = re.findall(r"\\caption{(.*)}\n\\label{(.*)}", text)
    assert captions == [
        ("All of it Part 1 of 4.", "tab:4"),
        *((rf"Table~\ref{{tab:4}}, part {part} of 4.", f"tab:4@{part}") for part in (2, 3, 4)),
    ]
    assert text.index("The note.") > text.index("part 4 of 4")
    assert re.findall("Method(.*)", text)[:2] == [
        r" & Measure 0 & Measure 1 & Measure 2 \\",
        r" & Measure 3 & Measure 4 & Measure 5 \\",
    ]


def test_rows_of_one_group_stand_together_wherever_they_were():
    """As where CRAGRU's rows come after those of all backbones."""
    lines = [("BPR", "Retrain"), ("LightGCN", "Retrain"), ("BPR", "CRAGRU"), ("LightGCN", "CRAGRU")]
    grid = [[*map(Text, names), Text("1")] for names in lines]
    (body,) = tables(latex(["Backbone", "Method", "s"], grid, "c", "l"))
    assert [re.findall("BPR|LightGCN|Retrain|CRAGRU", line)[0] for line in body] == [
        *("BPR", "Retrain", "CRAGRU"),
        *("LightGCN", "Retrain", "CRAGRU"),
    ]


def test_a_small_table_is_one():
    header, grid = panels(2, own=[], methods=METHODS[:4])
    text = latex(header, grid, "All of it", "tab:4", ["The note."])
    assert r"\caption{All of it}" in text
    assert text.count(r"\begin{table*}") == 1


def test_a_long_group_is_cut_into_equal_parts(tmp_path):
    """100 rows below their heading are three parts of 34, 34 and 32."""
    grid = [[Text("ML"), Text(f"m{number}"), Text("0.5")] for number in range(100)]
    text = latex(["Set", "Method", "HR"], grid, "c", "l", ["n"])
    assert [len(body) - 1 for body in tables(text)] == [34, 34, 32]
    assert min(letters(tmp_path, text)) == 8


def test_notes_have_room_below_the_last_part(tmp_path):
    """30 rows fit on a page, and 30 lines of notes do, but not together."""
    grid = [[Text("ML"), Text(f"m{number}"), Text("0.5")] for number in range(30)]
    text = latex(["Set", "Method", "HR"], grid, "c", "l", [NOTE + NOTE[:500]])
    assert text.count(r"\begin{table*}") > 1
    assert min(letters(tmp_path, text)) == 8


def test_the_compact_form_is_one_table_without_bounds(tmp_path):
    header, grid = panels(6)
    text = latex(header, grid, "Compact", "tab:4", ["A note."], compact=True)
    assert text.count(r"\begin{table*}") == 1
    (body,) = tables(text)
    assert len(body) == len(grid) + 4  # and the headings
    assert "[" not in "".join(body)
    check_it_fits(compiled(tmp_path, text))
    assert latex(header, grid, "Compact", "tab:4", ["A note."]) != text


def test_a_wide_name_of_a_column_takes_lines():
    grid = [[Text("a"), Text("0.5")], [Text("b"), Text("0.25")]]
    text = latex(["Method", "Gap to Retrain"], grid, "c", "l")
    assert r"Method & \shortstack[l]{Gap to \\ Retrain} \\" in text


def test_a_figure_has_its_caption_and_note_once(tmp_path):
    """The PDF of `bars` has neither."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.16, 2))
    figure.savefig(tmp_path / "figure3.pdf")
    text = latex_figure("figure3.pdf", "10 % of a_b.", "n = 24 users [all].", "fig:figure3")
    assert r"\caption[{10 \% of a\_b}]{10 \% of a\_b. n = 24 users {[}all].}" in text
    assert r"\label{fig:figure3}" in text
    check_it_fits(compiled(tmp_path, text, r"Figure~\ref{fig:figure3}."))
