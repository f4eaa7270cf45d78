"""All configuration files together: what one names must be defined in another."""

from pathlib import Path

import pytest
from configuration import ROOT, load_changed

from cragru.core.errors import CragruError
from cragru.kept.files import write_json
from cragru.kept.manifest import sealed
from cragru.plan.loading import load_project
from tests.refusals import refused


@pytest.fixture
def load(shipped, tmp_path):
    """Load the shipped configuration with changes: a key path that starts with the file's name -> value."""
    return lambda changes=(): load_changed(shipped, tmp_path, changes)


def test_shipped_configuration(shipped):
    project = load_project(shipped["config"], ROOT)
    assert set(project.settings.datasets) <= set(project.registry.datasets)
    assert project.label("original") == "Original"
    assert project.label("retrain") == "Retrain"
    options = project.training_options("ml-100k", "lightgcn")
    assert options == shipped["params"]["backbones"]["lightgcn"]["options"]
    assert options["layers"] == 2


PARAMS, TABLES = "config/params.yaml: ", "config/tables.yaml: "
UNDEFINED = [  # a key and its value, the place of the problem, what it got and names that are allowed
    (
        "params/methods/sisa-users/partition",
        "random-user",
        PARAMS + "methods.sisa-users.partition",
        "random-user",
        "random-users",
    ),
    (
        "tables/tables/table3/protocol",
        "paper",
        TABLES + "tables.table3.protocol",
        "paper",
        "one-user",
    ),
    ("config/datasets", ["ml-1m", "ml100k"], "datasets", "ml100k", "ml-100k ml-1m"),
    ("config/backbones", ["bpr", "lightgnc"], "backbones", "lightgnc", "lightgcn"),
    ("config/methods", ["retrian"], "methods", "retrian", "retrain"),
    ("config/tables", ["tabel1"], "tables", "tabel1", "table1"),
    (
        "tables/tables/table2/protocol",
        "papers",
        TABLES + "tables.table2.protocol",
        "papers",
        "paper",
    ),
    (
        "tables/tables/table2/cutoffs",
        [5, 50],
        TABLES + "tables.table2.cutoffs",
        [50],
        "1 3 5 10 20",
    ),
    ("params/backbones/bpr/label", "LightGCN", PARAMS + "backbones.lightgcn.label", "LightGCN", ""),
    ("params/methods/retrain/label", "Original", PARAMS + "methods.retrain.label", "Original", ""),
    (
        "datasets/datasets/ml-1m/title",
        "ML-100K",
        "config/datasets.yaml: datasets.ml-1m.title",
        "ML-100K",
        "",
    ),
    (
        "params/methods/original",
        {"label": "O", "module": "m"},
        PARAMS + "methods.original",
        "original",
        "",
    ),
]


@pytest.mark.parametrize(("key", "value", "place", "got", "allowed"), UNDEFINED)
def test_name_that_is_defined_nowhere(load, key, value, place, got, allowed):
    with pytest.raises(CragruError) as caught:
        load({key: value})
    assert "\n" not in str(caught.value)
    own = [one for one in caught.value.problems if (one.place, one.got) == (place, got)]
    assert own, str(caught.value)
    assert set(allowed.split()) <= set(own[0].allowed or ())


def test_unknown_names_are_told_at_once(load):
    with pytest.raises(CragruError) as caught:
        load({"config/methods": ["a", "retrain", "b"], "config/tables": ["c"]})
    told = [(problem.place, problem.got) for problem in caught.value.problems]
    assert told == [("methods", "a"), ("methods", "b"), ("tables", "c")]


def test_last_override_that_matches_wins(load):
    first, second, third = {"epochs": 1, "patience": 1}, {"epochs": 2, "layers": 5}, {"epochs": 3}
    patterns = {"*": first, "ml-1m/*": second, "ml-100k/*": third}
    project = load({"params/backbones/lightgcn/overrides": patterns})

    def values(*pair):
        return [project.training_options(*pair)[key] for key in ("epochs", "patience", "layers")]

    assert values("ml-100k", "lightgcn") == [3, 1, 2]
    assert values("ml-1m", "lightgcn") == [2, 1, 5]
    assert project.training_options("ml-1m", "bpr") == project.params.backbones["bpr"].options
    assert project.params.backbones["lightgcn"].options["epochs"] == 300


def test_a_methods_options_on_a_pair(load):
    project = load(
        {
            "params/methods/ifru/overrides": {
                "*/lightgcn": {"damping": 0.1},
                "ml-1m/*": {"damping": 7.0},
            }
        }
    )
    assert project.method_options("ml-100k", "bpr", "ifru") == {"negatives": 24, "damping": 1.0}
    assert project.method_options("ml-100k", "lightgcn", "ifru")["damping"] == 0.1
    assert project.method_options("ml-1m", "lightgcn", "ifru")["damping"] == 7.0
    assert project.params.methods["ifru"].options["damping"] == 1.0


def test_names_in_the_papers_tables(load):
    project = load()
    assert [project.paper_label(name) for name in ("sisa-users", "retrain", "original")] == [
        "SISA",
        "Retrain",
        "Original",
    ]
    assert project.partition("retrain") is None
    assert project.partition("receraser-ubp").reads == ["original"]


def test_requests_of_each_protocol(load, tmp_path):
    files = {"spring": str(tmp_path / "a.csv"), "autumn": str(tmp_path / "b.csv")}
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).touch()
    project = load({"config/requests/one_user": 2, "config/requests/files": files})
    assert project.requests("one-user") == ["draw-1", "draw-2"]
    assert project.requests("from-file") == ["spring", "autumn"]
    assert project.requests("paper") == []
    assert project.previous("from-file", "spring") is None
    assert project.previous("from-file", "autumn") == "spring"
    assert project.previous("from-file-alone", "autumn") is None
    assert project.previous("one-user", "draw-2") is None


@pytest.mark.parametrize("protocol", ["one-user", "paper", "from-fil"])
def test_requests_of_files_need_a_protocol_of_files(load, protocol):
    known = ["from-file", "from-file-alone"]
    with refused(place="requests.protocol", got=protocol, allowed=known):
        load({"config/requests/protocol": protocol})


def test_only_requests_from_files_come_in_turn(load):
    place = "config/protocols.yaml: protocols.one-user.in_turn"
    with refused(place=place, got=True):
        load({"protocols/protocols/one-user/in_turn": True})


def test_cragru_serves_requests_alone(load):
    changes = {"tables/tables/table3/protocol": "from-file", "config/tables": ["table1"]}
    place = "config/tables.yaml: tables.table3.protocol"
    with refused(place=place, got="from-file", allowed=["one-user", "from-file-alone"]):
        load(changes)
    load(changes | {"tables/tables/table3/cragru": False})


def test_requests_that_were_served_keep_their_order(load, tmp_path, monkeypatch):
    """By hand: spring was served first, autumn after it."""
    monkeypatch.chdir(tmp_path)
    Path("a.csv").touch()
    for request, previous in (("spring", None), ("autumn", "spring")):
        folder = Path("results/ml-100k/from-file/1", request, "split")
        folder.mkdir(parents=True)
        record = {"rule": "apply_request", "params": {"previous": previous}}
        record |= {"wildcards": {}, "inputs": {}, "outputs": {}}
        write_json(folder / "manifest.json", sealed(record))
    for right in (["spring", "autumn"], ["spring", "autumn", "winter"], ["spring"]):
        load({"config/requests/files": dict.fromkeys(right, "a.csv")})
    for wrong in (["autumn"], ["winter", "spring", "autumn"], ["spring", "winter", "autumn"]):
        with pytest.raises(CragruError) as caught:
            load({"config/requests/files": dict.fromkeys(wrong, "a.csv")})
        places = {problem.place for problem in caught.value.problems}
        assert places <= {"requests.files.spring", "requests.files.autumn"}
    alone = {"config/requests/protocol": "from-file-alone", "config/seeds": [2]}
    load(alone | {"config/requests/files": {"autumn": "a.csv"}})
