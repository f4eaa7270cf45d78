"""Edits of the sources and of the configuration after a finished run: what a dry run plans then."""

import shutil

import pytest
import yaml
from conftest import Workflow

from tests.rewording import reword

EDITS = {
    "cragru/config/models.py": (
        "class Params(Frozen):",
        "class Extra(Frozen):\n    size: int = 1\n\n\nclass Params(Frozen):",
    ),
    "cragru/ranking/full.py": (
        "import torch\n",
        "import torch\n\n\ndef recall(hits, size):\n    return hits.sum() / size\n",
    ),
    "cragru/core/errors.py": ("class CragruError", "BEFORE = 'error: '\n\n\nclass CragruError"),
}


@pytest.fixture
def edited(workflow, tmp_path, a_copy, two_seeds):
    """A copy of the sources, to be edited; to it, too, the run is a finished one."""
    own = Workflow(shutil.copytree(workflow.sources, tmp_path / "checkout" / "cragru"))
    assert own.plan(a_copy, config=two_seeds) == {}
    return own


def registry_with(toy, tmp_path, **words):
    """The toy registry with other words, and with one more data set of a module of its own."""
    content = yaml.safe_load(toy.registry.read_text())
    content["datasets"]["toy"] |= words
    other = yaml.safe_load(yaml.safe_dump(content["datasets"]["toy"])) | {"title": "Toy 2"}
    for source in other["sources"]:
        source["module"] = "cragru.data.toy_2"
    content["datasets"]["toy-2"] = other
    path = tmp_path / "datasets.yaml"
    path.write_text(yaml.safe_dump(content))
    return {"datasets": str(path)}


def test_nothing_for_what_changes_no_byte(edited, a_copy, toy, configure, tmp_path):
    """A data set and its loader, a key, a function, a licence, a homepage; and the copy of the data is gone."""
    for path, (old, new) in EDITS.items():
        edited.edit(path, old, new)
    shutil.copyfile(
        edited.sources / "cragru/data/movielens_1m.py", edited.sources / "cragru/data/toy_2.py"
    )
    files = registry_with(toy, tmp_path, licence="another", homepage="https://example.com/")
    config = configure(files, backbones=["bpr"], tables=["table1", "table2"], data_dir=None)
    assert edited.plan(a_copy, config=config) == {}


def test_nothing_for_other_words(edited, a_copy, two_seeds):
    """Every error, message and docstring of every module and script at once."""
    assert reword(edited.sources) > 2000
    assert edited.plan(a_copy, config=two_seeds) == {}


def test_tables_alone_for_a_label(edited, a_copy, toy, configure, tmp_path):
    shutil.copyfile(
        edited.sources / "cragru/data/movielens_1m.py", edited.sources / "cragru/data/toy_2.py"
    )
    files = registry_with(toy, tmp_path, title="Toy, reworded")
    config = configure(files, backbones=["bpr"], tables=["table1", "table2"])
    assert edited.plan(a_copy, config=config) == {"all": 1, "table": 2}


def test_what_serves_requests_alone_for_a_field_of_its_cost(edited, a_copy, two_seeds):
    old = "    device: str\n"
    edited.edit("cragru/unlearning/base.py", old, f"{old}    joules: float = 0.0\n")
    planned = edited.plan(a_copy, config=two_seeds)
    assert planned["unlearn"] == 2
    assert planned.keys().isdisjoint(
        {"download", "prepare", "split", "train_original", "fetch_llm", "candidates"}
    )


def other_file(path, change, tmp_path):
    """A copy of a file of the configuration with a change, for `files`."""
    content = yaml.safe_load(path.read_text())
    change(content)
    copy = tmp_path / path.name
    copy.write_text(yaml.safe_dump(content))
    return {path.stem: str(copy)}


def test_a_method_alone_for_its_file(edited, a_copy, two_seeds):
    old = "    seconds = watch.lap()\n"
    edited.edit("cragru/unlearning/retrain.py", old, f"{old}    del watch\n")
    assert edited.plan(a_copy, config=two_seeds) == {
        "unlearn": 2,
        "evaluate": 2,
        "certificate": 2,
        "table": 1,
        "all": 1,
    }


def test_a_table_alone_for_its_caption(edited, a_copy, toy, configure, tmp_path):
    def reworded(content):
        content["tables"]["table2"]["caption"] = "Another caption."

    files = other_file(toy.tables, reworded, tmp_path)
    config = configure(files, backbones=["bpr"], tables=["table1", "table2"])
    assert edited.plan(a_copy, config=config) == {"table": 1, "all": 1}


@pytest.mark.parametrize("dataset", ["toy", "other"])
def test_one_data_set_alone_for_its_parameter(edited, a_copy, toy, configure, tmp_path, dataset):
    def tuned(content):
        content["backbones"]["bpr"]["overrides"] = {f"{dataset}/*": {"batch_size": 128}}

    files = other_file(toy.params, tuned, tmp_path)
    config = configure(files, backbones=["bpr"], tables=["table1", "table2"])
    wanted = {
        "train_original": 2,
        "unlearn": 2,
        "evaluate": 4,
        "certificate": 2,
        "table": 1,
        "all": 1,
    }
    assert edited.plan(a_copy, config=config) == (wanted if dataset == "toy" else {})


def test_a_methods_own_jobs_for_a_method_added(edited, a_copy, configure):
    config = configure(backbones=["bpr"], tables=["table1", "table2"], methods=["retrain", "scif"])
    assert edited.plan(a_copy, config=config) == {
        "unlearn": 2,
        "evaluate": 2,
        "certificate": 2,
        "table": 1,
        "all": 1,
    }


def test_a_data_sets_own_jobs_for_a_data_set_added(edited, a_copy, toy, configure, tmp_path):
    shutil.copyfile(
        edited.sources / "cragru/data/movielens_1m.py", edited.sources / "cragru/data/toy_2.py"
    )
    files = registry_with(toy, tmp_path)
    config = configure(
        files, backbones=["bpr"], tables=["table1", "table2"], datasets=["toy", "toy-2"]
    )
    assert edited.plan(a_copy, config=config) == {
        "download": 1,
        "prepare": 1,
        "split": 2,
        "train_original": 2,
        "unlearn": 2,
        "evaluate": 4,
        "certificate": 2,
        "table": 2,
        "all": 1,
    }


def test_what_is_missing_behind_a_folder_that_is_made_anew(workflow, a_copy, two_seeds, tmp_path):
    """As after a kill during a download: a folder brings nothing by itself, but keeps nothing back either."""
    again = ("--forcerun", "download")
    assert workflow.plan(a_copy, *again, config=two_seeds) == {"download": 1}
    for made in ("toy", "tiny"):
        shutil.rmtree(a_copy / "results" / made)
    whole = workflow.plan(tmp_path / "new", config=two_seeds)
    assert workflow.plan(a_copy, *again, config=two_seeds) == whole
