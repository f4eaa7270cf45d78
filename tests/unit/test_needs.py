"""What jobs ask for: memory and time, and the profiles that Snakemake reads."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from configuration import ROOT

from cragru.config.base import load_yaml
from cragru.config.datasets import DatasetEntry
from cragru.plan.needs import Needs

PROFILES = ROOT / "profiles"


def entry(**given):
    registry = load_yaml(ROOT / "config/datasets.yaml")
    return DatasetEntry.model_validate(registry["datasets"]["ml-100k"] | {"users": None} | given)


@pytest.fixture
def needs():
    datasets = {
        "small": entry(rows=100_000),
        "large": entry(rows=20_000_000),
        "own": entry(rows=None),
        "drawn": entry(rows=20_000_000, users=1000, keep={"users": 50}),
    }
    settings = SimpleNamespace(datasets=["small", "own"])
    return Needs(SimpleNamespace(registry=SimpleNamespace(datasets=datasets), settings=settings))


@pytest.mark.parametrize(
    ("dataset", "attempt", "megabytes"),
    [
        ("small", 1, 1560),
        ("large", 1, 13500),
        ("own", 1, 2100),  # as a million rows
        ("drawn", 1, 2100),  # a twentieth of its users
        ("small", 2, 3120),
        ("small", 3, 6240),
        (None, 1, 2100),  # a table: as the run's largest
    ],
)
def test_memory_grows_with_the_data_set_and_with_each_try(needs, dataset, attempt, megabytes):
    wildcards = {} if dataset is None else {"dataset": dataset}
    assert needs.memory(1500, 600)(wildcards, attempt) == megabytes
    assert needs.minutes(1500, 600)(wildcards, attempt) == megabytes


def test_who_reads_the_publishers_files_asks_by_all_their_rows(needs):
    assert replace(needs, raw=True).memory(1500, 600)({"dataset": "drawn"}, 1) == 13500


def test_a_model_asks_for_the_same_whatever_the_data(needs):
    asked = {needs.memory(8000)({"dataset": name}, 1) for name in ("small", "large", "own")}
    assert asked == {8000}


def test_the_cluster_has_all_that_the_laptop_has():
    """Snakemake reads one workflow profile: `--workflow-profile profiles/slurm` leaves out profiles/default."""
    laptop, cluster = (load_yaml(PROFILES / name / "config.yaml") for name in ("default", "slurm"))
    assert laptop.items() <= cluster.items()
    assert cluster["executor"] == "slurm"
    # a profile's `resources` would take away those of the command line, and the other way round
    assert "resources" not in laptop.keys() | cluster.keys()
