"""What certificates speak of, table by table: models, shards and cells of what is shown, and nothing more."""

from pathlib import Path

import pytest
from configuration import load_changed
from snakemake.iocontainers import Wildcards

from cragru.plan.cells import Cell
from cragru.plan.certificates import Certificates
from cragru.plan.rows import Row

STATE = {"run": "default", "dataset": "ml-100k", "protocol": "paper", "seed": "1"}
DRAW = STATE | {"protocol": "one-user", "request": "draw-2"}
BEFORE, AFTER = "results/ml-100k/one-user/1/bpr", "results/ml-100k/one-user/1/draw-2/bpr"
CELL = "results/ml-100k/paper/1/bpr/cragru/original"
ALONE = {"config/tables": ["table3"], "config/figures": [], "config/backbones": ["bpr"]}
NO_LLM = ALONE | {"config/scoring/llm": None}


@pytest.fixture
def of_run(shipped, tmp_path):
    """The certificates of the shipped run with a second request, and with changes."""
    two = {"config/requests/one_user": 2}
    return lambda changes: Certificates(load_changed(shipped, tmp_path, two | changes))


def models(certificates, names):
    return {model for _, model in certificates.models(Wildcards(fromdict=names))}


def manifests(certificates, names):
    return set(certificates.manifests(Wildcards(fromdict=names)))


def of_split(folder):
    return {"results/ml-100k/prepared/manifest.json", f"{folder}/split/manifest.json"}


@pytest.mark.parametrize("method", ["scif", "ifru"])
def test_a_method_that_reads_the_original_brings_it(of_run, method):
    """Table III has no row of the original: it is there for the method's sake, as it was before the request."""
    certificates = of_run(NO_LLM | {"config/methods": [method]})
    assert models(certificates, DRAW) == {method, "original"}
    assert manifests(certificates, DRAW) == of_split("results/ml-100k/one-user/1/draw-2") | {
        f"{AFTER}/{method}/manifest.json",
        f"{BEFORE}/original/manifest.json",
    }


def test_a_method_that_reads_nothing_comes_alone(of_run):
    certificates = of_run(NO_LLM | {"config/methods": ["retrain"]})
    assert models(certificates, DRAW) == {"retrain"}
    assert certificates.guarantees(Wildcards(fromdict=DRAW)) == {"retrain": "exact"}


@pytest.mark.parametrize(
    ("method", "wanted", "guarantee"),
    [
        ("receraser-ubp", {"receraser-ubp", "original"}, "exact given the partition"),
        ("sisa-users", {"sisa-users"}, "exact"),
    ],
)
def test_a_partition_that_reads_the_original_brings_it(of_run, method, wanted, guarantee):
    """The method itself reads nothing; its data are cut by the embeddings of the model before the request."""
    certificates = of_run(NO_LLM | {"config/methods": [method]})
    assert models(certificates, DRAW) == wanted
    assert certificates.guarantees(Wildcards(fromdict=DRAW)) == {method: guarantee}


def test_shards_of_a_single_request_were_trained_ahead_of_it(of_run):
    certificates = of_run(NO_LLM | {"config/methods": ["sisa-users"]})
    assert manifests(certificates, DRAW) == of_split("results/ml-100k/one-user/1/draw-2") | {
        f"{AFTER}/sisa-users/manifest.json",
        f"{BEFORE}/sisa-users/before/partition-manifest.json",
        f"{BEFORE}/sisa-users/before/manifest.json",
    }


def test_shards_of_a_whole_state_were_not(of_run):
    changes = {"config/tables": ["table5"], "config/methods": ["retrain", "sisa-users"]}
    certificates, state = of_run(NO_LLM | changes), "results/ml-100k/released-code/1"
    folder, names = f"{state}/bpr", STATE | {"protocol": "released-code"}
    assert manifests(certificates, names) == of_split(state) | {
        *(f"{folder}/{model}/manifest.json" for model in ("original", "retrain", "sisa-users")),
        *(f"{folder}@training={number}/retrain/manifest.json" for number in range(1, 3)),
        f"{folder}/sisa-users/before/partition-manifest.json",
    }


def test_a_request_that_cragru_serves_has_its_prompt_and_the_model_of_its_candidates(of_run):
    certificates = of_run(ALONE | {"config/methods": ["retrain"]})
    assert models(certificates, DRAW) == {"retrain", "original"}
    served = f"{AFTER}/cragru/original/none/backbone/smollm2-135m/requester"
    files = ("prompts-manifest.json", "prompts-checked-manifest.json", "manifest.json")
    found = manifests(certificates, DRAW)
    assert {f"{served}/{name}" for name in files} <= found
    assert f"{BEFORE}/original/manifest.json" in found


def test_a_cell_has_all_that_lies_behind_it(of_run):
    changes = {"config/tables": ["cragru-cost"], "config/retrieval/strategies": ["none"]}
    certificates = of_run(ALONE | changes)
    scored = f"{CELL}/none/own/backbone/smollm2-135m/listwise/pilot"
    assert manifests(certificates, STATE) == of_split("results/ml-100k/paper/1") | {
        "results/ml-100k/paper/1/bpr/original/manifest.json",
        f"{CELL}/manifest.json",
        f"{CELL}/none/fit-manifest.json",
        f"{CELL}/none/own/manifest.json",
        f"{CELL}/controls/manifest.json",
        f"{scored}/prompts-manifest.json",
        f"{scored}/prompts-checked-manifest.json",
        f"{scored}/manifest.json",
        f"{scored}/none/manifest.json",
    }


def test_there_is_a_certificate_for_each_request_and_for_each_state_that_starts_with_one(of_run):
    changes = {"config/tables": ["table1", "table3", "table5"], "config/seeds": [1, 2]}
    root = "results/default/certificates/ml-100k"
    draws = [f"one-user/{seed}/draw-{draw}" for seed in (1, 2) for draw in (1, 2)]
    assert sorted(of_run(NO_LLM | changes).files()) == [
        f"{root}/{place}/certificate.json"
        for place in [*draws, "released-code/1", "released-code/2"]
    ]


def test_what_no_row_shows_has_no_models(of_run):
    certificates = of_run(NO_LLM)
    assert models(certificates, STATE) == set()
    assert models(certificates, DRAW | {"request": "draw-9"}) == set()


def test_a_row_is_of_its_model_of_what_it_is_held_against_and_of_whose_candidates_it_has():
    asked = ("smollm2-135m", "listwise", "pilot")
    cell = Cell("ml-100k", "paper", 1, "bpr", "retrain", "none", "backbone", *asked)
    row = Row("ml-100k", "paper", 1, "bpr", cell=cell, references=(("bpr@training=1", "retrain"),))
    assert row.models == [("bpr", "retrain"), ("bpr@training=1", "retrain")]
    assert Row("ml-100k", backbone="bpr", model="scif").models == [("bpr", "scif")]
    assert Row("ml-100k").models == []


# --- the run's own requests


REQUESTS = {"spring": "spring.csv", "autumn": "autumn.csv"}
OWN = NO_LLM | {"config/tables": ["table1"], "config/requests/files": REQUESTS}
SECOND = STATE | {"protocol": "from-file", "request": "autumn"}


@pytest.fixture
def of_requests(of_run, tmp_path, monkeypatch):
    """The certificates of a run with two requests and methods of each kind."""
    monkeypatch.chdir(tmp_path)
    for file in REQUESTS.values():
        Path(file).touch()
    methods = {"config/methods": ["retrain", "sisa-users", "ifru"]}
    return lambda changes: of_run(OWN | methods | changes)


def test_every_request_of_a_run_is_certified_whatever_its_tables_show(of_requests):
    root = "results/default/certificates/ml-100k/from-file"
    files = [
        f"{root}/{seed}/{name}/certificate.json" for seed in (1, 2) for name in ("spring", "autumn")
    ]
    certificates = of_requests({"config/seeds": [1, 2]})
    assert certificates.files() == files == certificates.served()
    shown = ["results/default/in-service.json", "results/default/in-service.md"]
    assert certificates.requests_files() == [*files, *shown]
    assert certificates.guarantees(Wildcards(fromdict=SECOND)) == {
        "retrain": "exact",
        "sisa-users": "exact",
        "ifru": "approximate",
    }


def test_a_run_without_requests_serves_none(of_run):
    assert of_run(NO_LLM).requests_files() == []


def test_a_request_in_turn_has_what_served_before_it(of_requests):
    state = "results/ml-100k/from-file/1"
    methods = ("retrain", "sisa-users", "ifru")
    certificates = of_requests({})
    assert manifests(certificates, SECOND) == of_split(f"{state}/autumn") | {
        f"{state}/{request}/bpr/{method}/manifest.json"
        for request in ("spring", "autumn")
        for method in methods
    }
    first = manifests(certificates, SECOND | {"request": "spring"})
    assert first == of_split(f"{state}/spring") | {
        *(f"{state}/spring/bpr/{method}/manifest.json" for method in methods),
        f"{state}/bpr/original/manifest.json",
        f"{state}/bpr/sisa-users/before/manifest.json",
        f"{state}/bpr/sisa-users/before/partition-manifest.json",
    }


def test_a_request_alone_has_the_deployed_state(of_requests):
    certificates = of_requests({"config/requests/protocol": "from-file-alone"})
    found = manifests(certificates, SECOND | {"protocol": "from-file-alone"})
    assert "results/ml-100k/from-file-alone/1/bpr/original/manifest.json" in found
    assert not [path for path in found if "/spring/" in path]
