"""Tables and figures are made where no model can be: their environment has no torch."""

import subprocess
import sys

import pytest
from configuration import ROOT

MAKERS = sorted(
    path.stem for path in (ROOT / "cragru" / "reporting").glob("*.py") if path.stem != "__init__"
)
SCRIPTS = ["table", "figure", "differences"]


def printed(*lines):
    """Run lines of Python in a process of its own, for this one has imported all; returns what they print."""
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def imports(names):
    return [f"import cragru.reporting.{name}" for name in names]


@pytest.mark.parametrize("what", ["modules", "scripts"])
def test_tables_need_no_torch(what):
    lines = imports(MAKERS)
    if what == "scripts":
        lines = [
            f"assert callable(runpy.run_path('scripts/{name}.py')['main'])" for name in SCRIPTS
        ]
    told = "print({'torch', 'sklearn', 'pandas'} & set(sys.modules))"
    assert printed("import runpy, sys", *lines, told) == "{'pandas'}\n"


def test_a_table_needs_no_matplotlib():
    """Its job would wait for it; a figure's alone does not."""
    tables = [name for name in MAKERS if name.endswith("_table")]
    assert {"utility_table", "datasets_table"} <= set(tables)
    script = "runpy.run_path('scripts/table.py')"
    told = "print('matplotlib' in sys.modules)"
    assert printed("import runpy, sys", script, *imports(tables), told) == "False\n"
