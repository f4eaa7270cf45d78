"""Tables and figures made by their scripts, from rows and files of a test."""

import runpy
from types import SimpleNamespace

from configuration import ROOT
from snakemake.iocontainers import Namedlist

SPEC = {"caption": "Made", "label": "tab:made", "compact": False}
ENDINGS = {
    "table": ("csv", "md", "tex"),
    "figure": ("csv", "pdf", "png", "tex"),
    "differences": ("csv",),
}


def job(script, folder, maker, rows, spec, words, further):
    """What Snakemake would give a script: the rows' files are inputs, too, and sources that are not there are empty."""
    files = [row[name] for row in rows for name in row if str(row[name]).startswith(str(folder))]
    inputs = {"rows": files, "paper": [], "tests": []} | {
        name: str(path) for name, path in further.items()
    }
    params = {
        "maker": f"cragru.reporting.{maker}",
        "rows": rows,
        "spec": SPEC | spec,
        "words": words,
    }
    outputs = {ending: folder / f"made.{ending}" for ending in ENDINGS[script]}
    return SimpleNamespace(
        input=Namedlist(fromdict=inputs),
        output=Namedlist(fromdict=outputs),
        params=Namedlist(fromdict=params),
    )


def make(script, folder, maker, rows, spec, words, **further):
    """Run a script; returns the paths that it wrote, by ending."""
    made = job(script, folder, maker, rows, spec, words, further)
    runpy.run_path(str(ROOT / "scripts" / f"{script}.py"))["main"](made)
    return dict(made.output.items())
