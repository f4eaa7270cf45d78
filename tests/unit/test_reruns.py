"""Edits that fetch, convert and train nothing anew: digests and parameters of the rules that do so stay as they are."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from cragru.plan.loading import load_project
from cragru.plan.scoring import Scoring
from cragru.plan.training import Training
from cragru.rerun.digest import Sources

REAL = Path(__file__).parents[2]
COSTLY = {
    "download",
    "prepare",
    "split",
    "fetch_llm",
    "train_original",
    "train_shards",
    "partition",
    "fit_strategy",
}
BACKBONES = ("cragru.backbones.bpr", "cragru.backbones.lightgcn")


@pytest.fixture(scope="module")
def before():
    return Sources(REAL), _project(REAL)


@pytest.fixture
def copy(tmp_path):
    for part in ("scripts", "cragru", "config"):
        shutil.copytree(REAL / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def _project(root):
    config = yaml.safe_load((root / "config/config.yaml").read_text())
    return load_project(config, root)


def _edit(path, *changes):
    text = path.read_text()
    for old, new in changes:
        assert text.count(old) == 1, (path, old)
        text = text.replace(old, new)
    path.write_text(text)


def _modules(project, script):
    """The modules that rules name for a script, all of them."""
    params = project.params
    of_kind = {
        "train_original": params.backbones,
        "train_shards": params.backbones,
        "partition": params.partitions,
        "fit_strategy": params.strategies,
        "select_histories": params.strategies,
        "prepare_requester": params.strategies,
        "unlearn": params.methods,
        "search_damping": params.methods,
    }
    named = {entry.module for entry in of_kind.get(script, {}).values()}
    if script in ("unlearn", "search_damping"):
        named |= {entry.module for entry in params.backbones.values()}
    if script == "prepare":
        named |= {
            module
            for dataset in ("ml-100k", "ml-1m")
            for module in project.loaders(dataset).values()
        }
    return sorted(named)


def reruns(before, root):
    """The scripts whose digests an edit changes."""
    sources, project = before
    edited, scripts = Sources(root), sorted(path.stem for path in (REAL / "scripts").glob("*.py"))
    assert set(scripts) > COSTLY
    pairs = {}
    for script in scripts:
        modules = _modules(project, script)
        pairs[script] = [one.digest(f"scripts/{script}.py", *modules) for one in (sources, edited)]
    return {script for script, (old, new) in pairs.items() if old != new}


def costly_params(project):
    """What Snakemake tracks of the rules that fetch, convert and train, for all that the shipped files name."""
    scoring, training = Scoring(project), Training(project)
    tracked = {}
    for dataset in ("ml-100k", "ml-1m"):
        tracked[f"download {dataset}"] = project.download_entry(dataset)
        tracked[f"prepare {dataset}"] = project.loaders(dataset)
        for method in training.sharded:
            for backbone in ("bpr", "lightgcn"):
                names = SimpleNamespace(dataset=dataset, backbone=backbone, method=method)
                tracked[f"train_original {dataset} {backbone}"] = training.options(names)
                tracked[f"train_shards {dataset} {backbone} {method}"] = training.shard_options(
                    names
                )
                tracked[f"partition {dataset} {backbone} {method}"] = training.partition_options(
                    names
                )
    for name in ("smollm2-135m", "llama-3.1-8b-instruct"):
        tracked[f"fetch_llm {name}"] = scoring.llm_source(SimpleNamespace(llm=name))
    for name in project.params.strategies:
        tracked[f"fit_strategy {name}"] = training.strategy_options(SimpleNamespace(strategy=name))
    for name, protocol in project.protocols.items():
        tracked[f"split {name}"] = (protocol.forget, protocol.ratios, protocol.split_by)
    return tracked


def test_a_data_set_with_its_loader(before, copy):
    shutil.copyfile(copy / "cragru/data/movielens_1m.py", copy / "cragru/data/movielens_10m.py")
    registry = yaml.safe_load((copy / "config/datasets.yaml").read_text())
    registry["datasets"]["ml-10m"] = registry["datasets"]["ml-1m"] | {"title": "ML-10M"}
    (copy / "config/datasets.yaml").write_text(yaml.safe_dump(registry))
    assert reruns(before, copy) == set()
    after = _project(copy)
    assert "ml-10m" in after.registry.datasets
    assert costly_params(after) == costly_params(before[1])


def test_a_key_of_the_configuration(before, copy):
    extra = 'class Extra(Frozen):\n    """What is new."""\n\n    size: PositiveInt = 1\n\n\nclass Params(Frozen):\n'
    _edit(
        copy / "cragru/config/models.py",
        ("class Params(Frozen):\n", extra),
        ("    requests: Requests\n", "    requests: Requests\n    extra: PositiveInt = 1\n"),
    )
    assert reruns(before, copy) == set()


def test_a_field_of_cost(before, copy):
    """What serves requests writes it, and so is made anew; what is trained before any request is not."""
    _edit(
        copy / "cragru/unlearning/base.py",
        ("    device: str\n    stages", "    device: str\n    joules: float = 0.0\n    stages"),
    )
    assert reruns(before, copy) == {"unlearn", "search_damping"}


def test_a_method_of_what_reads_requests(before, copy):
    """Shards are trained from what it reads; the original model and what a strategy learns are not."""
    _edit(
        copy / "cragru/unlearning/files.py",
        ("    def rows(self)", "    def new(self):\n        return 1\n\n    def rows(self)"),
    )
    searches = {"search_tuning", "search_damping"}
    assert reruns(before, copy) == {"unlearn", "train_shards", *searches}


def test_a_pure_function_beside_those_that_rank(before, copy):
    path = copy / "cragru/ranking/full.py"
    path.write_text(
        f"{path.read_text()}\n\ndef recall(hits, size):\n    return hits.sum() / size\n"
    )
    assert reruns(before, copy) == set()


def test_a_function_that_trainings_use(before, copy):
    """The other side: what can change a model trains it anew."""
    _edit(copy / "cragru/backbones/sampling.py", ("DENSE_LIMIT =", "DENSE_LIMIT = 2 *"))
    assert {"train_original", "train_shards", "unlearn", "fit_strategy"} <= reruns(before, copy)


def test_words(before, copy):
    words = {"title": "M", "version": "2", "licence": "another", "homepage": "https://example.org/"}
    for name, key in (
        ("datasets", "datasets"),
        ("llms", "llms"),
        ("params", "methods"),
        ("params", "backbones"),
    ):
        path = copy / f"config/{name}.yaml"
        content = yaml.safe_load(path.read_text())
        for entry, values in content[key].items():
            new = words if name == "datasets" else {"label": "L"}
            values |= {
                word: f"{value} {entry}" if word in ("title", "label") else value
                for word, value in new.items()
            }
        path.write_text(yaml.safe_dump(content))
    after = _project(copy)
    assert after.registry.datasets["ml-100k"].licence == "another"
    assert after.label("retrain") == "L retrain"
    assert costly_params(after) == costly_params(before[1])


def test_another_loader_prepares_anew_and_downloads_nothing(before, copy):
    _edit(
        copy / "config/datasets.yaml",
        ("module: cragru.data.recbole_ml_100k", "module: cragru.data.movielens_1m"),
    )
    old, new = costly_params(before[1]), costly_params(_project(copy))
    assert {name for name in old if old[name] != new[name]} == {"prepare ml-100k"}
