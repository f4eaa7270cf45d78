"""A reader holds what it reads against what its maker wrote."""

import os
import shutil
from pathlib import Path

import pytest

from cragru.core.errors import NOTHING, CragruError
from cragru.core.names import RESULTS, SOURCE_FILE
from cragru.data import download
from cragru.kept.files import sha256, write_json
from cragru.kept.manifest import (
    Makers,
    checked_inputs,
    files_at,
    is_llm_weights,
    place_beside,
    read_manifest,
    sealed,
)
from cragru.plan import places

MODEL = "results/toy/paper/1/bpr/retrain/model.safetensors"


@pytest.fixture(autouse=True)
def room(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(*names):
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(name)
    return list(names)


def tell(manifest, names):
    """A manifest that tells of files as they are."""
    write_json(manifest, {"outputs": {name: sha256(name) for name in names}})


def flip(name):
    """Flip a bit, with the file's times as they were."""
    path = Path(name)
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def refused(*paths):
    """The one problem of these inputs."""
    with pytest.raises(CragruError) as caught:
        checked_inputs(paths)
    assert "\n" not in str(caught.value)
    (problem,) = caught.value.problems
    return problem


def test_what_is_as_it_was_made_is_hashed():
    tell("results/toy/paper/1/bpr/retrain/manifest.json", put(MODEL))
    assert checked_inputs([MODEL]) == {MODEL: sha256(MODEL)}


def test_a_flipped_bit_is_refused_by_name():
    tell("results/toy/paper/1/bpr/retrain/manifest.json", put(MODEL))
    wanted = sha256(MODEL)[:12]
    flip(MODEL)
    assert str(refused(MODEL)) == (
        f"{MODEL}: is not the file that its job wrote: its SHA-256 is {sha256(MODEL)[:12]}…, and {wanted}… in "
        "results/toy/paper/1/bpr/retrain/manifest.json; delete it and run the same command again"
    )


def test_a_touched_file_and_one_made_again_are_taken():
    tell("results/toy/paper/1/bpr/retrain/manifest.json", put(MODEL))
    os.utime(MODEL)
    assert checked_inputs([MODEL])
    Path(MODEL).unlink()
    put(MODEL)
    assert checked_inputs([MODEL])


def test_a_manifest_further_up_speaks_of_files_in_folders():
    shards = "results/toy/paper/1/bpr/sisa/after/shards"
    tell(
        "results/toy/paper/1/bpr/sisa/manifest.json",
        put(f"{shards}/shard-00", f"{shards}/shard-01"),
    )
    assert len(checked_inputs([shards])) == 2
    flip(f"{shards}/shard-01")
    # Snakemake does not see that one file of a folder is gone
    assert f" {shards} " in refused(shards).advice
    assert shards not in refused(f"{shards}/shard-01").advice


def test_a_folder_that_lacks_a_file_is_refused():
    folder = "results/toy/fit"
    tell("results/toy/fit-manifest.json", put(f"{folder}/a", f"{folder}/b"))
    Path(f"{folder}/a").unlink()
    assert refused(folder).place == f"{folder}/a"
    assert f" {folder} " in refused(folder).advice


def test_published_files_are_held_against_their_record():
    put("results/raw/toy/u.data")
    write_json(
        "results/raw/toy/source.json",
        {
            "dataset": "toy",
            "source": "local",
            "members": {"u.data": sha256("results/raw/toy/u.data")},
        },
    )
    assert len(checked_inputs(["results/raw/toy"])) == 2
    flip("results/raw/toy/u.data")
    assert refused("results/raw/toy").place == "results/raw/toy/u.data"


def test_what_no_manifest_names_is_only_hashed():
    put("results/toy/old.parquet", "config/prompts/mine.txt", "config/prompts/manifest.json")
    paths = ["results/toy/old.parquet", "config/prompts/mine.txt"]
    assert set(checked_inputs(paths)) == set(paths)


def test_a_link_into_the_cache_is_named_with_what_it_links_to(room):
    put("cache/abc.train")
    Path("results/toy").mkdir(parents=True)
    Path("results/toy/train.parquet").symlink_to(room / "cache/abc.train")
    tell("results/toy/manifest.json", ["results/toy/train.parquet"])
    assert checked_inputs(["results/toy/train.parquet"])
    flip("cache/abc.train")
    assert f" {room}/cache/abc.train," in refused("results/toy/train.parquet").advice


def test_a_manifest_from_the_cache_may_have_been_written_for_another_protocol(room):
    put("cache/abc.train")
    for name in ("train.parquet", "manifest.json"):
        link = room / "results/toy/second/1/split" / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(room / "cache" / f"abc.{name.split('.')[0]}")
    train = "results/toy/second/1/split/train.parquet"
    told = {"outputs": {"results/toy/first/1/split/train.parquet": sha256(train)}}
    write_json("cache/abc.manifest", told)
    assert checked_inputs([train])
    flip("cache/abc.train")
    assert refused(train)


WEIGHTS = "results/llm/small/model/model.safetensors"


def test_weights_are_taken_as_told_unless_they_are_younger():
    """They may be many gigabytes: the engine checks them when it starts."""
    tell("results/llm/small/manifest.json", put(WEIGHTS))
    told = sha256(WEIGHTS)
    flip(WEIGHTS)
    assert checked_inputs(["results/llm/small/model"]) == {WEIGHTS: told}
    younger = Path("results/llm/small/manifest.json").stat().st_mtime_ns + 1
    os.utime(WEIGHTS, ns=(younger, younger))
    assert refused("results/llm/small/model").place == WEIGHTS


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[]", "`array`"),
        ("{}", "`outputs`"),
        ('{"outputs": [1]}', "`$.outputs`"),
        ('{"outputs": {"a": 1}}', "`$.outputs[...]`"),
        ("{", "JSON"),
        ("[" * 100_000, "JSON"),
    ],
)
def test_a_damaged_manifest_is_one_line(content, said):
    put(MODEL)
    manifest = "results/toy/paper/1/bpr/retrain/manifest.json"
    Path(manifest).write_text(content)
    assert refused(MODEL).place == manifest
    assert said in refused(MODEL).what
    with pytest.raises(CragruError) as caught:
        read_manifest(manifest)
    assert caught.value.problems[0].place == manifest


def test_where_the_manifest_of_a_rule_without_one_lies():
    assert place_beside("results/x/per-user.parquet") == Path("results/x/per-user-manifest.json")
    assert place_beside("results/run/tables/table2.csv") == Path(
        "results/run/tables/table2-manifest.json"
    )


def test_each_folder_is_looked_into_once(monkeypatch):
    tell("results/toy/manifest.json", put("results/toy/a", "results/toy/b"))
    makers = Makers()
    assert makers.of("results/toy/a")
    shutil.rmtree("results")
    assert makers.of("results/toy/b")


def test_snakemakes_own_files_do_not_count():
    put("results/raw/toy/.snakemake_timestamp", "results/raw/toy/a")
    assert files_at("results/raw/toy") == [Path("results/raw/toy/a")]


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("results/llm/small/model/model.safetensors", True),
        ("results/llm/small/model/model-00001-of-00002.safetensors", True),
        ("results/llm/small/model/tokenizer.json", False),
        ("results/toy/paper/1/bpr/retrain/model.safetensors", False),
        ("results/toy/paper/1/bpr/sisa/before/shards/shard-00.safetensors", False),
    ],
)
def test_which_files_are_weights_of_a_language_model(name, is_one):
    assert is_llm_weights(name) is is_one
    assert is_one is (places.is_under(places.LLM_FOLDER, name) and name.endswith(".safetensors"))


def test_words_are_those_of_the_plan():
    """The module stands on the ground, and must not ask the plan."""
    assert (RESULTS, SOURCE_FILE) == (places.RESULTS, download.SOURCE_FILE)


def test_a_manifest_that_was_altered_is_refused():
    """Where its checksum is, and where not: a version, say, would else go unseen."""
    path = "results/toy/manifest.json"
    content = {
        "rule": "bake",
        "wildcards": {},
        "params": {"heat": 200},
        "versions": {"oven": "1.0"},
    }
    write_json(path, sealed(content | {"inputs": {}, "outputs": {}}))
    before = Path(path).read_text()
    assert read_manifest(path)["params"]["heat"] == 200
    for old, new in (("1.0", "1.1"), ("200", "201"), ("bake", "cake"), ('"sha256"', '"sha257"')):
        Path(path).write_text(before.replace(old, new))
        with pytest.raises(CragruError) as caught:
            read_manifest(path)
        assert (caught.value.problems[0].place, caught.value.problems[0].got) == (path, NOTHING)
        assert "altered" in caught.value.problems[0].what
    Path(path).write_text(before.replace("\n", "\n\n"))
    assert read_manifest(path)["params"]["heat"] == 200
