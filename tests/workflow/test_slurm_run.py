"""A run through SLURM: a real one, of one node, on this machine."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NODE = ROOT / "tests/cluster/one_node.sh"
CASES = pytest.mark.skipif(
    not shutil.which("slurmctld") and "CRAGRU_REQUIRE_SLURM" not in os.environ,
    reason="needs SLURM: apt-get install slurm-wlm munge",
)
pytestmark = [pytest.mark.slow, CASES, pytest.mark.xdist_group("slurm")]
# a test need not wait as long as a cluster's scheduler wants to be left alone
SOON = ["--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "5"]
LONGEST = 1200  # seconds


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slurm")
    subprocess.run(["bash", NODE, "start", folder], check=True, timeout=60)
    yield
    subprocess.run(["bash", NODE, "stop", folder], check=True, timeout=60)


def started(workflow, directory, *args, config):
    command = [sys.executable, "-m", "snakemake", "-s", workflow.sources / "Snakefile"]
    command += ["--configfile", config, "--directory", directory, "--jobs", "8", *SOON]
    command += ["--workflow-profile", workflow.sources / "profiles/slurm", *args]
    with (directory / "said").open("w") as output:
        return subprocess.Popen(
            command,
            cwd=workflow.sources,
            env=workflow.environment(),
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def said(directory):
    """Return what a run has printed, and what its logs have beside that."""
    logs = sorted((directory / ".snakemake/log").glob("*"))
    return "\n".join(path.read_text(encoding="utf-8") for path in (directory / "said", *logs))


def jobs(what, *states):
    """Return what squeue tells of each job in these states."""
    told = subprocess.run(
        ["squeue", "-h", "-t", ",".join(states), "-O", f"JobID:.12,{what}:.200"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return dict(line.split(None, 1) for line in told.splitlines() if len(line.split()) > 1)


def wait_for(rule, run):
    """Return the id of a running job of a rule."""
    until = time.monotonic() + LONGEST
    while time.monotonic() < until and run.poll() is None:
        for number, comment in jobs("Comment", "RUNNING").items():
            if rule in comment:
                return number
        time.sleep(0.1)
    raise AssertionError(f"no job of {rule} ran")


def tables(directory):
    return {
        path.name: path.read_bytes() for path in sorted(directory.glob("results/*/tables/*.csv"))
    }


def test_a_cancelled_job_is_tried_again_and_the_tables_are_those_of_a_laptop(
    cluster, workflow, two_seeds, on_one_core, tmp_path
):
    run = started(workflow, tmp_path, "table1", "table2", config=two_seeds)
    number = wait_for("train_original", run)
    subprocess.run(["scancel", number], check=True)
    assert run.wait(LONGEST) == 0, said(tmp_path)
    assert f"SLURM-job '{number}' failed" in said(tmp_path)
    ours = tables(on_one_core)
    made = tables(tmp_path)
    assert made
    assert made == {name: ours[name] for name in made}
    again = started(workflow, tmp_path, "table1", "table2", config=two_seeds)
    assert again.wait(LONGEST) == 0
    assert "Nothing to be done" in said(tmp_path)


def test_after_a_kill_of_snakemake_the_documented_recipe_heals(
    cluster, workflow, one_cell, on_one_core, tmp_path
):
    run = started(workflow, tmp_path, "table2", config=one_cell)
    wait_for("train_original", run)
    run.send_signal(signal.SIGKILL)
    run.wait()
    recipe = re.search("^squeue --me .*$", (ROOT / "docs/workflow.md").read_text(), re.MULTILINE)[0]
    subprocess.run(["bash", "-c", recipe], check=True)
    while jobs("Comment", "RUNNING", "COMPLETING", "PENDING"):
        time.sleep(0.2)
    unlocked = started(workflow, tmp_path, "--unlock", config=one_cell)
    assert unlocked.wait(60) == 0, said(tmp_path)
    again = started(workflow, tmp_path, "table2", config=one_cell)
    assert again.wait(LONGEST) == 0, said(tmp_path)
    made = (tmp_path / "results/common/tables/table2.csv").read_bytes()
    assert made == (on_one_core / "results/common/tables/table2.csv").read_bytes()


def gpus_asked(run):
    """Return for each rule whether its jobs ask SLURM for a GPU, until the run ends."""
    asked = {}
    while run.poll() is None:
        for number, comment in jobs("Comment", "PENDING", "RUNNING").items():
            shown = subprocess.run(
                ["scontrol", "show", "job", number], capture_output=True, text=True, check=False
            ).stdout
            if shown:
                rule = re.match(r"rule_([a-z_]+?)_(?:wildcards|toy)", comment)
                asked[rule[1] if rule else comment.strip()] = "TresPerJob=gres:gpu:1" in shown
        time.sleep(0.1)
    return asked


def test_what_trains_asks_for_a_gpu_and_nothing_else(cluster, workflow, configure, tmp_path):
    """SLURM has a made-up GPU, and torch none: the run ends at the first training, in one line."""
    config = configure(run="gpu", device="cuda", seeds=[1], backbones=["bpr"], tables=["table2"])
    run = started(workflow, tmp_path, "table2", "--retries", "0", config=config)
    asked = gpus_asked(run)
    assert run.returncode == 1
    assert {name for name in asked if asked[name]} == {"train_original", "unlearn"}
    assert [name for name in asked if not asked[name]]


def test_what_an_llm_computes_asks_for_a_gpu(cluster, workflow, configure, converted, a_copy):
    """After prompts that were made on a CPU; what trained there is left alone. This vLLM computes on a CPU anyway."""
    settings = {
        "backbones": ["bpr"],
        "seeds": [1],
        "tables": ["cragru-cost"],
        "retrieval": {"strategies": ["none"], "candidates": 10, "history": 4},
        "scoring": {
            "llm": "smollm2-135m",
            "cohorts": {"pilot": 2},
            "compare_form": None,
            "compare_cohort": None,
            "controls": [],
            "chunk": 1,
            "tokens": 600,
        },
        "files": converted,
    }
    on_a_cpu, on_a_gpu = (configure(device=device, **settings) for device in ("cpu", "cuda"))
    workflow.make(a_copy, "cragru-cost", "--until", "check_prompts", config=on_a_cpu)
    how = ["--until", "score_prompts", "--rerun-triggers", "mtime"]
    run = started(workflow, a_copy, "cragru-cost", *how, config=on_a_gpu)
    asked = gpus_asked(run)
    assert run.returncode == 0, said(a_copy)
    assert {name for name in asked if asked[name]} == {"score_prompts"}


def test_single_requests_are_one_job_of_the_cluster(cluster, workflow, configure, tmp_path):
    config = configure(
        run="requests",
        seeds=[1],
        backbones=["bpr"],
        methods=["retrain", "sisa-users"],
        requests={"one_user": 3},
        tables=["table3"],
    )
    run = started(workflow, tmp_path, "table3", config=config)
    asked = {}
    while run.poll() is None:
        for number, comment in jobs("Comment", "PENDING", "RUNNING").items():
            asked[number] = comment.strip(), jobs("NumCPUs", "PENDING", "RUNNING").get(number)
        time.sleep(0.1)
    assert run.returncode == 0, said(tmp_path)
    (group,) = {cores for comment, cores in asked.values() if "rule_requests" in comment}
    assert group.strip() == "1"  # they are served in turn
    costs = sorted(tmp_path.glob("results/toy/one-user/1/draw-*/bpr/*/cost.json"))
    assert len(costs) == 6
    assert len({path.read_bytes() for path in costs}) == 6  # each timed by itself
    assert "Provided resources: in_turn" in said(tmp_path)  # and no limit of this machine's
