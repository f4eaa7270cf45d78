"""What LaTeX makes of tables and figures."""

import os
import re
import shutil
import subprocess

import pytest

from cragru.reporting.latex import FIT, LETTERS

DOCUMENT = r"\documentclass{article}\usepackage{booktabs,graphicx}\begin{document}"
SIZES = re.compile(r"SIZE ([0-9.]+)pt\|([0-9.]+)pt")


def compiled(folder, *tables):
    """Run pdflatex on a document with these tables; returns its log."""
    if not shutil.which("pdflatex") and "CRAGRU_REQUIRE_LATEX" not in os.environ:
        pytest.skip("pdflatex is not installed")
    (folder / "t.tex").write_text(
        DOCUMENT + "\n".join(tables) + r"\end{document}", encoding="utf-8"
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
    for _ in range(2):  # the second finds what is referred to
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, errors="replace", check=False
        )
        assert done.returncode == 0, done.stdout
    return done.stdout


def check_it_fits(log):
    """That a document was made, of which nothing sticks out or is missing."""
    assert "Output written on t.pdf" in log
    assert not re.findall("Overfull|Float too large|Missing character|undefined", log)


def letters(folder, text):
    """Return the points of the letters in each table of a text, once a one-column page is wide and high enough."""
    size = r"\typeout{SIZE \the\wd0|\the\dimexpr\ht0+\dp0\relax}"
    fit = "\n".join(FIT)
    measured = text.replace(fit, f"{size}\n{fit.removesuffix(FIT[-1])}{size}\n{FIT[-1]}")
    log = compiled(folder, measured)
    check_it_fits(log)
    sizes = [tuple(map(float, found)) for found in SIZES.findall(log)]
    pairs = zip(sizes[::2], sizes[1::2], strict=True)
    return [LETTERS * after[0] / before[0] for before, after in pairs]
