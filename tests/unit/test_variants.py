"""Variants and overlays: a name in a path means one setting, in every run; a slip is placed where it was made."""

import copy
import re

import pytest
from configuration import ROOT, changed
from snakemake.iocontainers import Wildcards

from cragru.config.types import OPTION
from cragru.core.errors import NOTHING, CragruError
from cragru.plan.certificates import Certificates
from cragru.plan.loading import load_project
from cragru.plan.training import Training
from tests.refusals import AtLeast, assert_told, refused

OVERLAYS = "config: overlays."


@pytest.fixture
def load(shipped):
    """Load the shipped configuration with changes: a key path of config.yaml -> value."""
    return lambda changes=(): load_project(changed(shipped["config"], dict(changes)), ROOT)


def params(**sections):
    """The change that lays something over params.yaml."""
    return {"overlays": {"params": sections}}


def options(section, name, **values):
    return params(**{section: {name: {"options": values}}})


def methods(load, *names, **changes):
    return load({"methods": ["retrain", *names], **changes}).settings.methods[1:]


# --- names


def test_a_variant_is_its_entry_with_other_options(load):
    project = load({"methods": ["retrain", "scif@damping=10@negatives=4"]})
    plain, other = project.method("scif"), project.method("scif@damping=10@negatives=4")
    assert plain.options == {"negatives": 8, "damping": 30.0}
    assert other.options == {"negatives": 4, "damping": 10.0}
    assert (other.module, other.reads) == (plain.module, plain.reads)
    assert project.label("scif@damping=10@negatives=4") == "SCIF (damping 10, negatives 4)"


def test_a_variant_of_a_path_need_not_be_in_the_configuration(load):
    training = Training(load())
    state = {"dataset": "ml-100k", "protocol": "paper", "seed": "1"}
    names = Wildcards(fromdict=state | {"backbone": "bpr@epochs=7", "method": "scif@damping=0.5"})
    assert training.method_options(names) == {"negatives": 8, "damping": 0.5}
    assert training.options(names)["epochs"] == 7
    assert training.method_module(names) == "cragru.unlearning.scif"
    assert training.original_if_read(names) == (
        "results/ml-100k/paper/1/bpr@epochs=7/original/model.safetensors"
    )
    with refused(got="scif@damping=0.50"):
        load().method("scif@damping=0.50")
    with refused(place="scif@dampin=1: dampin", got="dampin"):
        load().method("scif@dampin=1")


def test_no_override_takes_a_variants_options_back(load):
    project = load()
    assert project.method_options("ml-100k", "lightgcn", "ifru")["damping"] == 0.1
    for backbone in ("bpr", "lightgcn", "lightgcn@layers=3"):
        assert project.method_options("ml-100k", backbone, "ifru@damping=7")["damping"] == 7
    assert project.method_options("ml-100k", "lightgcn", "ifru@hops=2")["damping"] == 0.1
    assert project.method("ifru@damping=1").options["damping"] == 1  # not so on LightGCN


ANOTHER = [  # a name, and the right one
    ("scif@negatives=8", "scif"),
    ("scif@damping=10.0", "scif@damping=10"),
    ("scif@damping=1e1", "scif@damping=10"),
    ("scif@damping=0.00001", "scif@damping=1e-05"),
    ("scif@damping=1e20", "scif@damping=1e+20"),
    ("scif@damping=+5", "scif@damping=5"),
    ("scif@negatives=4@damping=10", "scif@damping=10@negatives=4"),
    ("scif@damping=10@negatives=8", "scif@damping=10"),
    ("scif@iterations=100", "scif"),  # the module's default
    ("sisa-users@missing=mean@shards=5", None),
]


@pytest.mark.parametrize(("name", "right"), ANOTHER)
def test_one_setting_has_one_name(load, name, right):
    if right is None:
        assert methods(load, name) == [name]
        return
    with refused(place=f"methods.{name}", what=f"another name of {right}", advice=f"write {right}"):
        methods(load, name)
    with refused(got=name, advice=f"write {right}"):
        load().method(name)
    assert load().method(right)


WRONG = [  # a variant; the place behind its name, what it got, the names that are allowed
    ("scif@dampin=1", ".dampin", "dampin", AtLeast(["damping"])),
    ("scif@damping=0", ".damping", 0, None),
    ("scif@damping=x", ".damping", "x", None),
    ("scif@negatives=2.5", ".negatives", 2.5, None),
    ("scif@damping=010", ".damping, line 1", "010", None),
    ("scif@damping=1@damping=2", ".damping", NOTHING, None),
    ("retrain@seed=1", ".seed", "seed", []),
]


@pytest.mark.parametrize(("name", "place", "got", "allowed"), WRONG)
def test_options_of_a_variant_are_checked(load, name, place, got, allowed):
    with refused(place=f"methods.{name}{place}", got=got, allowed=allowed) as caught:
        methods(load, name)
    assert len(caught.value.problems) == 1


def test_names_that_are_none(load):
    with refused(place="methods", got="scff", allowed=AtLeast(["scif"])) as caught:
        methods(load, "scff@damping=1")
    assert not any("@" in name for name in caught.value.problems[0].allowed)
    for name in (
        "scif@damping=1,negatives=4",
        "scif@",
        "scif@damping",
        "scif@damping=",
        "@a=1",
        "a/b",
    ):
        with refused(place="config: methods.1", got=name):
            methods(load, name)


def test_a_backbone_that_clashes_with_a_strategy_or_a_method_with_too_many_shards(load):
    with refused(place="config/params.yaml: strategies.attention.options.heads", got=4) as caught:
        load({"backbones": ["bpr", "bpr@dimensions=63"]})
    assert "bpr@dimensions=63" in str(caught.value)
    with refused(place="config: methods.sisa-users@shards=944.options.shards", got=944):
        methods(load, "sisa-users@shards=944")


def test_variants_wherever_a_run_has_names(load):
    project = load(
        {
            "backbones": ["bpr@dimensions=128", "lightgcn"],
            "methods": ["retrain", "receraser-ubp@shards=5", "receraser-ubp@shards=20", "scif"],
            "retrieval/strategies": ["none", "attention@epochs=9"],
        }
    )
    assert project.settings.scoring.compare_on == ["bpr@dimensions=128"]  # the only BPR of the run
    rivals = project.figures.figures["figure4"].rivals
    assert {"receraser-ubp@shards=5", "receraser-ubp@shards=20"} <= set(rivals)
    assert "receraser-ubp" not in rivals
    assert len(project.rows) > 100
    assert {cell.strategy for cell in project.cells} == {"none", "attention@epochs=9"}
    labels = {row.labels.get("method") for row in project.rows}
    assert {"RecEraser (UBP, shards 5)", "SCIF", "Attention (epochs 9)"} <= labels
    assert project.settings.methods[0] == "retrain"


def test_an_entry_goes_before_its_variants(load):
    both = ["bpr", "bpr@dimensions=128"]
    assert load({"backbones": both}).settings.scoring.compare_on == ["bpr"]
    changes = {"backbones": both, "scoring/compare_on": both}
    assert load(changes).settings.scoring.compare_on == both


def test_the_paper_printed_no_variant(load):
    project = load({"methods": ["retrain", "sisa-users", "sisa-users@shards=5"]})
    assert project.paper_label("sisa-users") == "SISA"
    assert project.paper_label("sisa-users@shards=5") == "SISA (users, shards 5)"


def test_a_certificate_claims_the_same_of_a_variant(load):
    project = load({"methods": ["retrain", "scif@damping=10", "receraser-ubp@shards=5"]})
    state = Wildcards(fromdict={"dataset": "ml-100k", "protocol": "paper", "seed": "1"})
    certificates = Certificates(project)
    claimed = certificates.guarantees(state)
    assert claimed["scif@damping=10"] == "approximate"
    assert claimed["receraser-ubp@shards=5"] == "exact given the partition"
    assert ("bpr", "original") in certificates.models(state)
    paths = certificates.manifests(state)
    assert "results/ml-100k/paper/1/bpr/scif@damping=10/manifest.json" in paths
    assert (
        "results/ml-100k/paper/1/bpr/receraser-ubp@shards=5/before/partition-manifest.json" in paths
    )


def test_shards_are_of_variants_too(load):
    training = Training(load({"methods": ["retrain", "sisa-users@shards=5", "scif@damping=1"]}))
    assert "sisa-users@shards=5" in training.sharded
    assert "scif@damping=1" in training.unsharded
    names = Wildcards(
        fromdict={"dataset": "ml-100k", "backbone": "bpr", "method": "sisa-users@shards=5"}
    )
    assert training.shard_count(names) == 5


@pytest.mark.parametrize(
    "text", ["@a=1", "@learning_rate=1e-05", "@unit=users", "@x=1.5e+20", "@eager=true"]
)
def test_options_in_names_are_one_step_of_a_path_and_no_word_of_snakemake(text):
    assert re.fullmatch(OPTION, text)
    assert not set("/,:{}'\" ") & set(text)


# --- further trainings

FURTHER = [  # a backbone, a number, and the name of that training
    ("bpr", 0, "bpr"),
    ("bpr", 1, "bpr@training=1"),
    ("bpr@training=1", 0, "bpr"),
    ("bpr@training=1", 2, "bpr@training=2"),
    ("bpr@dimensions=8", 2, "bpr@dimensions=8@training=2"),
    ("bpr@dimensions=8@training=2", 0, "bpr@dimensions=8"),
]


@pytest.mark.parametrize(("backbone", "number", "name"), FURTHER)
def test_a_further_training_is_a_variant_of_its_backbone(load, backbone, number, name):
    assert load().training(backbone, number) == name


def test_a_run_names_backbones_and_not_their_trainings(load):
    """Else tables would show the same trainings twice, under two labels."""
    name = "bpr@training=1"
    with refused(place="backbones", got=name):
        load({"backbones": ["bpr", name]})
    with refused(place="backbones", got=name):
        load(params(backbones={"bpr": {"options": {"training": 1}}}))


@pytest.mark.parametrize("backbone", ["bpr", "lightgcn"])
def test_shadows_are_of_other_trainings(load, backbone):
    """As many as are asked for, none of them the model's own, and all of them the run's."""
    project = load({"trainings": 5})
    every = [project.training(backbone, number) for number in range(5)]
    assert len(set(every)) == 5
    for own in every:
        shadows = project.shadows(own, 4)
        assert sorted([own, *shadows]) == sorted(every)
    assert project.shadows(backbone, 2) == every[1:3]
    assert project.shadows(every[1], 2) == [every[0], every[2]]


def test_shards_are_trained_once_and_all_else_as_often_as_the_run_says(load):
    project = load({"trainings": 3})
    often = {name: project.trainings(name) for name in ("original", *project.settings.methods)}
    shards = [name for name in often if project.partition(name)]
    assert len(shards) == 3
    assert {name: often[name] for name in shards} == dict.fromkeys(shards, 1)
    assert {often[name] for name in ("original", "retrain", "scif", "ifru")} == {3}


def test_overrides_of_a_backbone_hold_for_its_variants(load):
    """IFRU's damping on LightGCN, and the backbone's own options, are those of its further trainings."""
    project = load()
    for number in (0, 1, 4):
        backbone = project.training("lightgcn", number)
        assert (
            project.method_options("ml-100k", backbone, "ifru")["damping"]
            == (project.params.methods["ifru"].overrides["*/lightgcn"]["damping"])
        )
    overrides = {"ml-100k/lightgcn": {"epochs": 7}}
    changed = load(params(backbones={"lightgcn": {"overrides": overrides}}))
    (name,) = [name for name in changed.settings.backbones if "lightgcn" in name]
    plain, further = (
        changed.training_options("ml-100k", changed.training(name, number)) for number in (0, 3)
    )
    assert plain["epochs"] == 7
    assert further == plain | {"training": 3}
    assert changed.training_options("ml-1m", changed.training(name, 3))["epochs"] != 7


# --- overlays


def test_an_overlay_of_options_is_a_variant_and_the_entry_stays(load):
    project = load(options("methods", "scif", negatives=4))
    assert "scif@negatives=4" in project.settings.methods
    assert "scif" not in project.settings.methods
    assert project.method("scif").options["negatives"] == 8
    plain = load({"methods": ["retrain", "scif@negatives=4"]})
    assert project.method("scif@negatives=4") == plain.method("scif@negatives=4")


def test_an_overlay_of_options_that_an_override_has_too_is_no_variant_by_its_options(load):
    project = load(options("methods", "scif", damping=10))
    (name,) = [name for name in project.settings.methods if "scif" in name]
    assert name not in ("scif", "scif@damping=10")  # 10 on ML-100K, the override's 100 on ML-1M
    given = {data: project.method_options(data, "bpr", name) for data in ("ml-100k", "ml-1m")}
    assert {data: options["damping"] for data, options in given.items()} == {
        "ml-100k": 10,
        "ml-1m": 100,
    }


def test_an_overlay_that_says_what_the_file_says_changes_no_name(load):
    assert load(options("methods", "scif", damping=30, iterations=100)).settings == (
        load().settings.model_copy(
            update={
                "overlays": load(
                    options("methods", "scif", damping=30, iterations=100)
                ).settings.overlays
            }
        )
    )


def test_names_are_of_what_an_overlay_makes_of_an_entry(load):
    overlay = options("methods", "scif", iterations=10, negatives=4)
    assert methods(load, "scif", "scif@iterations=5", **overlay) == [
        "scif@iterations=10@negatives=4",
        "scif@iterations=5@negatives=4",
    ]
    assert methods(load, "scif@iterations=100@negatives=8", **overlay) == ["scif"]
    with refused(place="methods.scif@iterations=10", advice="write scif"):
        methods(load, "scif@iterations=10", **overlay)


def test_rivals_and_backbones_to_compare_on_follow(load):
    changes = params(
        methods={"receraser-ubp": {"options": {"shards": 5}}},
        backbones={"bpr": {"options": {"epochs": 30}}},
    )
    project = load(changes)
    assert "receraser-ubp@shards=5" in project.figures.figures["figure4"].rivals
    assert project.settings.scoring.compare_on == ["bpr@epochs=30"]
    assert len(project.rows) == len(load().rows)


def test_a_change_of_more_than_options_has_a_digest(load):
    overrides = {"*/lightgcn": {"damping": 0.5}}
    (name,) = methods(load, "ifru", **params(methods={"ifru": {"overrides": overrides}}))
    assert re.fullmatch("ifru@[0-9a-f]{8}", name)
    further = params(methods={"ifru": {"overrides": overrides | {"*/bpr": {"damping": 2}}}})
    (other,) = methods(load, "ifru", **further)
    assert other != name
    project = load({"methods": ["retrain", "ifru", "ifru@hops=2"], **further})
    assert project.settings.methods[1:] == [other, f"{other}@hops=2"]
    assert project.method_options("ml-100k", "bpr", f"{other}@hops=2") == {
        "negatives": 24,
        "damping": 2,
        "hops": 2,
    }
    assert project.label(other) == f"IFRU ({other[-8:]})"
    # an override would take the option back: it is no plain change of options
    (third,) = methods(load, "ifru", **options("methods", "ifru", damping=5))
    assert re.fullmatch("ifru@[0-9a-f]{8}", third)
    assert methods(load, "ifru", **options("methods", "ifru", damping=5.0)) == [third]


def test_another_partition_is_another_method(load):
    overlay = params(partitions={"ubp": {"options": {"capacity": 1.5}}})
    project = load({"methods": ["retrain", "receraser-ubp", "receraser-inbp"], **overlay})
    _, name, same = project.settings.methods
    assert re.fullmatch("receraser-ubp@[0-9a-f]{8}", name)
    assert same == "receraser-inbp"
    assert project.partition(name).options["capacity"] == 1.5
    assert project.partition("receraser-ubp").options["capacity"] == 1.2


def test_words_of_an_overlay_change_no_path(load):
    project = load(params(methods={"scif": {"label": "My SCIF", "paper": "SCIF"}}))
    assert "scif" in project.settings.methods
    assert (project.label("scif"), project.paper_label("scif")) == ("My SCIF", "SCIF")


def test_new_entries(load):
    new = {"label": "New", "module": "cragru.unlearning.scif", "reads": ["original", "forget"]}
    new["options"] = {"negatives": 2, "damping": 3}
    overlays = params(methods={"new": new})["overlays"]
    llm = {"label": "Mine", "engine": {"context": 2048}}
    llm["source"] = {"kind": "folder", "path": "config"}
    overlays["llms"] = {"llms": {"mine": llm}}
    overlays["tables"] = {
        "tables": {"mine": {"kind": "datasets", "label": "t:m", "caption": "Mine."}}
    }
    project = load(
        {
            "methods": ["retrain", "new", "new@damping=4"],
            "scoring/llm": "mine",
            "tables": ["mine", "table2"],
            "overlays": overlays,
        }
    )
    assert project.settings.methods == ["retrain", "new", "new@damping=4"]
    assert project.llms.llms["mine"].label == "Mine"
    assert project.shown["mine"].caption == "Mine."
    assert len(project.llms.llms) > 3


def test_lists_are_replaced_and_sections_merged(load):
    project = load({"overlays": {"tables": {"tables": {"table2": {"cutoffs": [10]}}}}})
    assert project.tables.tables["table2"].cutoffs == [10]
    assert project.tables.tables["table2"].mask == "A"


PLACED = [  # what is laid over, and the place and value of its problem
    (options("methods", "scif", dampin=1), "params.methods.scif.options.dampin", "dampin"),
    (options("methods", "scif", damping=-1), "params.methods.scif.options.damping", -1),
    (options("methods", "ifru", damping="x"), "params.methods.ifru.options.damping", "x"),
    (params(methods={"scif": {"lable": "x"}}), "params.methods.scif.lable", "lable"),
    (params(methods={"scif": {"reads": ["original"]}}), "params.methods.scif.reads", NOTHING),
    (params(methods={"ifru": {"label": "SCIF"}}), "params.methods.ifru.label", "SCIF"),
    (params(methods={"scif": None}), "params.methods.scif", None),
    (params(metods={}), "params.metods", "metods"),
    (params(methods={"n.w": {"label": "N"}}), "params.methods.n.w.module", NOTHING),
    (options("methods", "retrain", seed=5), "params.methods.retrain.options.seed", "seed"),
    (params(strategies={"none": {"whole": False}}), "params.strategies.none", NOTHING),
    ({"overlays": {"parms": {}}}, "parms", "parms"),
    ({"overlays": {"params": None}}, "params", None),
    (
        {"overlays": {"tables": {"tables": {"table2": {"cutoffs": [7]}}}}},
        "tables.tables.table2.cutoffs",
        [7],
    ),
    (
        {"overlays": {"datasets": {"datasets": {"ml-1m": {"titel": 1}}}}},
        "datasets.datasets.ml-1m.titel",
        "titel",
    ),
    (
        {"overlays": {"llms": {"llms": {"local-server": {"source": {"retries": -1}}}}}},
        "llms.llms.local-server.source.server.retries",
        -1,
    ),
    (
        {"overlays": {"protocols": {"protocols": {"paper": {"order": "x"}}}}},
        "protocols.protocols.paper.order",
        "x",
    ),
    (
        {"overlays": {"figures": {"figures": {"figure4": {"mask": "C"}}}}},
        "figures.figures.figure4.mask",
        "C",
    ),
]


@pytest.mark.parametrize(("changes", "place", "got"), PLACED)
def test_a_slip_is_placed_in_the_overlay(load, changes, place, got):
    place = place.replace(".server.", ".")
    with refused(place=f"{OVERLAYS}{place}", got=got) as caught:
        load(changes)
    assert len(caught.value.problems) == 1, str(caught.value)


def test_a_slip_of_the_file_stays_in_the_file(shipped, tmp_path):
    content = copy.deepcopy(shipped["config"])
    content["overlays"] = params(methods={"scif": {"options": {"damping": 5}}})["overlays"]
    broken = changed(shipped["params"], {"methods/ifru/options/dampin": 1})
    (tmp_path / "params.yaml").write_text(str(broken))
    content["files"]["params"] = str(tmp_path / "params.yaml")
    with pytest.raises(CragruError) as caught:
        load_project(content, ROOT)
    assert_told(caught.value.problems, place=f"{tmp_path}/params.yaml: methods.ifru.options.dampin")
    assert len(caught.value.problems) == 1
