"""The Makefile's own commands, on a folder of the test."""

import shutil
import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[2] / "Makefile"
KEPT = {"README.md", "raw", "llm"}


@pytest.mark.parametrize("is_link", [False, True])
def test_clean_deletes_results_also_behind_a_link(tmp_path, is_link):
    """A larger disk is linked to as `results`."""
    shutil.copyfile(MAKEFILE, tmp_path / "Makefile")
    results = tmp_path / ("disk" if is_link else "results")
    for name in (*KEPT, "default", "ml-100k"):
        (results / name / "below").mkdir(parents=True)
    if is_link:
        (tmp_path / "results").symlink_to(results)
    subprocess.run(["make", "clean"], cwd=tmp_path, check=True)
    assert {path.name for path in results.iterdir()} == KEPT
    assert (tmp_path / "results").is_symlink() == is_link
