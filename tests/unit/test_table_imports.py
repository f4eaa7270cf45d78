"""Tables and figures are made where no model can be: their environment has no torch."""

import subprocess
import sys

import pytest
from configuration import ROOT

MAKERS = sorted(
    path.stem for path in (ROOT / "cragru" / "reporting").glob("*.py") if path.stem != "__init__"
)
SCRIPTS = ["table", "figure", "differences"]


@pytest.mark.parametrize("what", ["modules", "scripts"])
def test_tables_need_no_torch(what):
    """In a process of its own, for this one has them."""
    lines = ["import runpy, sys"]
    if what == "modules":
        lines += [f"import cragru.reporting.{name}" for name in MAKERS]
    else:
        lines += [
            f"assert callable(runpy.run_path('scripts/{name}.py')['main'])" for name in SCRIPTS
        ]
    lines.append("print({'torch', 'sklearn', 'pandas'} & set(sys.modules))")
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "{'pandas'}\n"), done.stderr


def test_a_table_needs_no_matplotlib():
    """Its job would wait for it; a figure's alone does not."""
    tables = [name for name in MAKERS if name.endswith("_table")]
    assert {"utility_table", "datasets_table"} <= set(tables)
    lines = ["import runpy, sys", "runpy.run_path('scripts/table.py')"]
    lines += [f"import cragru.reporting.{name}" for name in tables]
    lines.append("assert 'matplotlib' not in sys.modules")
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
