"""Snakemake's cache between checkouts: what a second one takes from it, and what it makes anew."""

import shutil
import stat
import zipfile

import pytest
import yaml
from snakemake_calls import Workflow

from cragru.kept.files import read_json

pytestmark = pytest.mark.slow

SPLIT = "results/toy/paper/1/split"
FOLDERS = ("results/raw/toy", "results/toy/prepared", SPLIT)
PREPARED = "results/toy/prepared/statistics.json"
MODEL = "results/llm/smollm2-135m/model"
HASH = 64  # letters of an entry's name, before that of the output


@pytest.fixture
def second(workflow, tmp_path):
    """Another checkout, elsewhere."""
    sources = shutil.copytree(workflow.sources, tmp_path / "elsewhere" / "sources")
    return Workflow(sources, workflow.key)


def make(checkout, cache, directory, target, config, **environment):
    """Make a target with a cache; return the names of outputs that have a new entry there."""
    before = set(cache.glob("*"))
    surroundings = {"SNAKEMAKE_OUTPUT_CACHE": str(cache)} | environment
    done = checkout.run(directory, target, "--cache", config=config, **surroundings)
    assert done.rc == 0, done.output
    return sorted(path.name[HASH:] for path in set(cache.glob("*")) - before)


def files_of(directory):
    """The content of every file that may be shared."""
    found = [path for name in FOLDERS for path in (directory / name).iterdir()]
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in found
        if not path.name.startswith(".snakemake")
    }


def test_two_checkouts_share_what_no_edit_reaches(
    workflow, second, one_cell, on_one_core, tmp_path
):
    """The second makes nothing; after an edit of what prepares, it takes the download alone. Bytes are as without."""
    cache, target = tmp_path / "cache", f"{SPLIT}/split.json"
    first = make(workflow, cache, tmp_path / "first", target, one_cell)
    assert {"", "_interactions.parquet", "_forget.parquet"} <= set(first)
    assert make(second, cache, tmp_path / "second", target, one_cell) == []
    wanted = files_of(on_one_core)
    for name in ("first", "second"):
        assert files_of(tmp_path / name) == wanted
    old = "    users, user_ids = "
    second.edit("cragru/data/prepare.py", old, f"    print('edited')\n{old}")
    # before the library that the environment has installed
    own = {"PYTHONPATH": str(second.sources)}
    edited = make(second, cache, tmp_path / "edited", target, one_cell, **own)
    assert edited == [name for name in first if name]  # a download's entry has no name


def test_copies_are_shared_by_their_content(workflow, configure, toy, tmp_path):
    """Of data that nobody offers any more: their entry has no checksums, and where a copy lies says nothing."""
    for name in ("mine", "theirs", "moved"):
        with zipfile.ZipFile(toy.archive) as archive:
            archive.extractall(tmp_path / name)
    ratings = tmp_path / "theirs/toy/u.data"
    _, *others = ratings.read_text().splitlines(keepends=True)
    ratings.write_text("".join(others))
    copy = {"kind": "copy", "name": "copy", "module": "cragru.data.movielens_100k"}
    copy["members"] = dict.fromkeys([path.name for path in ratings.parent.iterdir()])
    entry = {"title": "Toy", "version": "1", "licence": "none", "folder": "toy", "sources": [copy]}
    registry = tmp_path / "datasets.yaml"
    registry.write_text(yaml.safe_dump({"datasets": {"toy": entry}}))

    def made(name):
        config = configure({"datasets": str(registry)}, data_dir=str(tmp_path / name))
        new = make(workflow, tmp_path / "cache", tmp_path / f"run-{name}", PREPARED, config)
        return new, read_json(tmp_path / f"run-{name}" / PREPARED)["interactions"]

    first, count = made("mine")
    assert count == len(others) + 1
    assert made("theirs") == (first, len(others))
    assert made("moved") == ([], count)
    other = configure({"datasets": str(registry)}, data_dir=str(tmp_path / "theirs"))
    surroundings = {"SNAKEMAKE_OUTPUT_CACHE": str(tmp_path / "cache")}
    words = (PREPARED, "--dry-run", "--cache")
    assert workflow.run(tmp_path / "run-mine", *words, config=other, **surroundings).jobs == {}


def test_a_model_that_is_linked_keeps_its_rights(workflow, configure, changed, tmp_path):
    """Snakemake would give everybody all rights to what links in its cache lead to."""
    model = tmp_path / "mine"
    model.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (model / name).write_text("{}")
        (model / name).chmod(0o600)
    files = changed("llms", "smollm2-135m", "source", {"kind": "folder", "path": str(model)})
    scoring = {"llm": "smollm2-135m"}
    config = configure(files, tables=["table2"], scoring=scoring)
    assert make(workflow, tmp_path / "cache", tmp_path / "run", MODEL, config) == []
    assert (tmp_path / "run" / MODEL / "config.json").read_text() == "{}"
    assert {stat.S_IMODE(path.stat().st_mode) for path in model.iterdir()} == {0o600}
