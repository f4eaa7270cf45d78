"""What LaTeX makes of tables."""

import os
import re
import shutil
import subprocess

import pytest

DOCUMENT = r"\documentclass{article}\usepackage{booktabs,graphicx}\begin{document}"


def compiled(folder, *tables):
    """Run pdflatex on a document with these tables; returns its log."""
    if not shutil.which("pdflatex") and "CRAGRU_REQUIRE_LATEX" not in os.environ:
        pytest.skip("pdflatex is not installed")
    (folder / "t.tex").write_text(
        DOCUMENT + "\n".join(tables) + r"\end{document}", encoding="utf-8"
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, errors="replace", check=False
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def check_it_fits(log):
    """That a document was made, of which nothing sticks out or is missing."""
    assert "Output written on t.pdf" in log
    assert not re.findall("Overfull|Float too large|Missing character", log)
