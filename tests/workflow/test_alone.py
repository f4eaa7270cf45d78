"""A job that asks for the whole machine runs alone, whatever limits a run is given; others run side by side."""

import json
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest

from cragru.plan.run import WHOLE_MACHINE

ROOT = Path(__file__).parents[2]
TIMED = {"unlearn", "select_histories", "build_prompts", "prepare_requester", "score_prompts"}
TIMED |= {"encode_items"}
"""Rules that measure seconds; those that `use rule` makes of them inherit their resources or name them again."""
SNAKEFILE = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from cragru.plan.surroundings import hold_limits
hold_limits(workflow)

rule all:
    input: expand("{{name}}.json", name=["timed", "a", "b", "c", "d"]),

rule timed:
    output: "timed.json",
    resources: machine={WHOLE_MACHINE},
    shell: "python wait.py {{output}}"

rule other:
    output: "{{name}}.json",
    wildcard_constraints: name="[a-d]",
    shell: "python wait.py {{output}}"
"""
WAIT = """
import json, sys, time
begun = time.time()
time.sleep(1)
json.dump([begun, time.time()], open(sys.argv[1], "w"))
"""


def test_all_that_is_timed_asks_for_the_machine():
    asking = {}
    for path in (ROOT / "workflow/rules").glob("*.smk"):
        for block in re.split(r"^(?=rule |use rule )", path.read_text(), flags=re.MULTILINE):
            name = re.match(r"(?:rule|use rule \w+ as) (\w+)", block)
            if name and "resources:" in block:
                asking[name[1]] = "machine=" in block
    assert {name for name, asks in asking.items() if asks} == TIMED | {
        "unlearn_request",
        "unlearn_shards",
        "unlearn_request_shards",
    }


@pytest.mark.parametrize("given", [[], ["--resources", "mem_mb=20000"]])
def test_a_timed_job_excludes_all_others(tmp_path, given):
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "wait.py").write_text(WAIT)
    command = [sys.executable, "-m", "snakemake", "--cores", "4", *given]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    spans = {path.stem: json.loads(path.read_text()) for path in tmp_path.glob("*.json")}
    together = []
    for one, other in combinations(sorted(spans), 2):
        (begun, ended), (next_begun, next_ended) = spans[one], spans[other]
        if begun < next_ended and next_begun < ended:
            together.append((one, other))
    assert together
    assert not [pair for pair in together if "timed" in pair]
