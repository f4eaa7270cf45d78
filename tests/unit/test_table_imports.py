"""Tables are made where no model can be: their environment has no torch."""

import subprocess
import sys

import pytest
from configuration import ROOT

MODULES = ["completeness_table", "forgetting_rows", "significance_table", "bias_table", "forget_remain_figure", "bars"]
SCRIPTS = ["completeness_table", "differences", "bias_table", "utility_table", "forget_remain_figure"]


@pytest.mark.parametrize("what", ["modules", "scripts"])
def test_tables_need_no_torch(what):
    """In a process of its own, for this one has them."""
    lines = ["import runpy, sys"]
    if what == "modules":
        lines += [f"import cragru.reporting.{name}" for name in MODULES]
    else:
        lines += [f"assert callable(runpy.run_path('scripts/{name}.py')['main'])" for name in SCRIPTS]
    lines.append("print({'torch', 'sklearn', 'pandas'} & set(sys.modules))")
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "{'pandas'}\n"), done.stderr
