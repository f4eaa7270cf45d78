"""Jobs in a container: each starts in the checkout's image. A stand-in of apptainer runs them where they are."""

import os
import sys

import pytest

pytestmark = pytest.mark.slow

APPTAINER = """#!/usr/bin/env bash
if [ "$1" = --version ]; then echo "apptainer version 1.3.4" && exit; fi
until [[ $1 == *.sif ]]; do shift; done
echo "$*" >>{log}
shift
exec "$@"
"""
PYTHON = """#!/usr/bin/env bash
exec {python} "$@"
"""


@pytest.fixture
def apptainer(tmp_path):
    """A folder of PATH with the stand-in, and where it writes what it was asked for."""
    place, log = tmp_path / "bin", tmp_path / "asked"
    place.mkdir()
    texts = {"apptainer": APPTAINER.format(log=log), "python": PYTHON.format(python=sys.executable)}
    for name, text in texts.items():
        program = place / name
        program.write_text(text)
        program.chmod(0o755)
    return place, log


def test_each_job_starts_in_the_image(workflow, apptainer, configure, tmp_path):
    place, log = apptainer
    config, how = configure(), ("table1", "--sdm", "apptainer")
    environment = {"PATH": f"{place}:{os.environ['PATH']}", "PYTHONPATH": str(workflow.sources)}
    image = workflow.sources / "image.sif"
    refused = workflow.run(tmp_path / "run", *how, config=config, **environment)
    assert refused.rc == 1
    assert str(image) in refused.output
    image.touch()
    done, again = (
        workflow.run(tmp_path / "run", *how, config=config, **environment) for _ in range(2)
    )
    image.unlink()
    assert done.rc == again.rc == 0, done.output
    asked = log.read_text().splitlines()
    assert len(asked) == 3  # download, prepare, table
    assert all(line.startswith(f"{image} bash -c") for line in asked)
    assert again.jobs == {}
