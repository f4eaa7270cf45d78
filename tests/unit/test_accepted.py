"""What is right in other words is read: numbers, checksums, labels and patterns as people and programs write them."""

import pytest
from configuration import load_changed

from tests.refusals import refused

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"


@pytest.fixture
def load(shipped, tmp_path):
    """Load the shipped configuration with changes: a key path that starts with the file's name -> value."""
    return lambda changes: load_changed(shipped, tmp_path, changes)


def test_a_number_without_fraction_is_a_whole_number(load):
    project = load(
        {
            "config/seeds": [1.0, 2],
            "config/scoring/chunk": 8.0,
            "llms/llms/smollm2-135m/engine/threads": 2.0,
            "tables/tables/table2/cutoffs": [5.0, 10],
            "params/backbones/bpr/options/epochs": 300.0,
            "params/backbones/bpr/overrides": {"ml-1m/*": {"epochs": 30.0, "learning_rate": 1}},
            "params/partitions/blpa/options": {"slack": 1.0},
            "params/strategies/attention/options/heads": 4.0,
        }
    )
    options, further = (project.training_options(name, "bpr") for name in ("ml-100k", "ml-1m"))
    heads = project.params.strategies["attention"].options["heads"]
    threads = project.llms.llms["smollm2-135m"].engine.threads
    whole = [*project.settings.seeds, project.settings.scoring.chunk, threads, heads]
    whole += [*project.tables.tables["table2"].cutoffs, options["epochs"], further["epochs"]]
    assert whole == [1, 2, 8, 2, 4, 5, 10, 300, 30]
    assert {type(value) for value in whole} == {int}
    assert type(project.params.partitions["blpa"].options["slack"]) is float


def test_a_checksum_in_upper_case(load, shipped):
    source = "datasets/datasets/ml-1m/sources/0/members"
    members = shipped["datasets"]["datasets"]["ml-1m"]["sources"][0]["members"]
    upper = {name: value.upper() for name, value in members.items()}
    llm = "llms/llms/smollm2-135m/source/sha256"
    own = shipped["llms"]["llms"]["smollm2-135m"]["source"]["sha256"]
    commit = "llms/llms/llama-3.1-8b-instruct/source/revision"
    project = load({source: upper, llm: own.upper(), commit: "A" * 40})
    assert project.registry.datasets["ml-1m"].sources[0].members == members
    assert project.llms.llms["smollm2-135m"].source.sha256 == own
    assert project.llms.llms["llama-3.1-8b-instruct"].source.revision == "a" * 40


@pytest.mark.parametrize(
    "label", [f"A {FAMILY}", "\u0645\u06cc\u200c\u062e", "\u2764\ufe0f\u200d\U0001f525 a"]
)
def test_joined_letters_in_labels_and_captions(load, label):
    project = load({"params/backbones/bpr/label": label, "tables/tables/table1/caption": label})
    assert project.params.backbones["bpr"].label == label
    assert project.tables.tables["table1"].caption == label


@pytest.mark.parametrize(
    "pattern", ["netflix/*", "netflix/bpr", "netflix*", "ml-10?/bpr", "[a-k]*/*"]
)
def test_an_override_for_a_data_set_that_is_not_there(load, pattern):
    entry = {pattern: {"batch_size": 8192}}
    project = load({"params/backbones/bpr/overrides": entry})
    assert project.training_options("netflix", "bpr")["batch_size"] in (8192, 2048)
    assert project.training_options("ml-100k", "bpr")["batch_size"] == 2048


@pytest.mark.parametrize(
    "pattern", ["bpr", "bpr/*", "*/lightgcn", "netflix/lightgcn", "Netflix/*", "a/b/bpr", ""]
)
def test_an_override_that_is_for_no_data_set_that_may_come(load, pattern):
    with refused(place=f"config/params.yaml: backbones.bpr.overrides.{pattern}"):
        load({"params/backbones/bpr/overrides": {pattern: {"batch_size": 8192}}})


SERVER = "llms/llms/local-server/source"


@pytest.mark.parametrize(
    ("timeout", "deadline"), [(60, 900), (450, 900), (1200, 2400), (400_000, 604_800)]
)
def test_a_timeout_alone(load, timeout, deadline):
    source = load({f"{SERVER}/timeout": timeout}).llms.llms["local-server"].source
    assert (source.timeout, source.deadline) == (timeout, deadline)


def test_a_timeout_beyond_any_deadline_or_beyond_the_given_one(load):
    place = "config/llms.yaml: llms.local-server.source.deadline"
    for changes in (
        {f"{SERVER}/timeout": 604_801},
        {f"{SERVER}/timeout": 90, f"{SERVER}/deadline": 60},
    ):
        with refused(place=place):
            load(changes)


@pytest.mark.parametrize(
    "name", ["openai_api_key", "OPENAI_API_KEY", "_key", "_KEY", "hf_token", "k2"]
)
def test_a_variable_in_small_letters(load, name):
    assert load({f"{SERVER}/key": name}).llms.llms["local-server"].source.key == name


@pytest.mark.parametrize(
    "secret",
    [
        "hf_AbCdEf123456",
        "sk-12ab",
        "gsk_" + "a1" * 26,
        "0123456789abcdef" * 2,
        "a" * 32,
        "Key",
        "2key",
        "key ",
        "",
    ],
)
def test_a_key_in_place_of_its_variable(load, secret):
    with refused(place="config/llms.yaml: llms.local-server.source.key") as caught:
        load({f"{SERVER}/key": secret})
    assert not secret or secret not in str(caught.value)
