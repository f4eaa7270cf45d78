"""A run that is killed again and again, and taken up each time as docs/reliability.md says."""

import os
import random
import subprocess
import time
from functools import partial

import pytest
from killing import content, killed

pytestmark = pytest.mark.slow

KILLS, SEED = 10, 1
SOONEST_S = 0.2


def seconds_of(command, environment):
    """How long a command takes."""
    begun = time.monotonic()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return time.monotonic() - begun


def test_ten_kills_change_no_byte(workflow, configure, tmp_path):
    """Of all processes at once, at random moments of what is left; a run that ends sooner gives way to another."""
    config = configure(backbones=["bpr"], seeds=[1], tables=["table1", "table2"])
    environment, draw = workflow.environment(), random.Random(SEED)

    def command(name, *words):
        return workflow.command(tmp_path / name, *words, config=config)

    whole = seconds_of(command("undisturbed"), environment)
    start = seconds_of(command("undisturbed", "--dry-run"), environment)
    wanted, kills, number = content(tmp_path / "undisturbed"), 0, 0
    while kills < KILLS:
        name = f"killed-{number}"
        left = 1 - len(content(tmp_path / name)) / len(wanted)
        moment = draw.uniform(SOONEST_S, start + left * (whole - start))
        wait = partial(time.sleep, moment)
        if killed(command(name), environment, wait, kill=os.killpg) is None:
            assert content(tmp_path / name) == wanted
            number += 1
            continue
        kills += 1
        print(f"{name} at {moment:.2f} s, with {left:.0%} of its files to be made")
        workflow.run(tmp_path / name, "--unlock", config=config)
    workflow.make(tmp_path / name, config=config)
    assert content(tmp_path / name) == wanted
