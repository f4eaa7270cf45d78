import copy
from pathlib import Path

import pytest
import yaml

from cragru.config.base import load_yaml, parse
from cragru.config.datasets import RawFiles, Registry
from cragru.core.errors import NOTHING
from cragru.plugins.source import offers
from tests.refusals import AtLeast, refused

SHIPPED = Path(__file__).parents[2] / "config" / "datasets.yaml"

URL = {
    "kind": "url",
    "name": "publisher",
    "url": "https://example.org/mini.zip",
    "module": "cragru.data.movielens_100k",
    "members": {"mini/u.data": "0" * 64},
}
WHEEL = {
    "kind": "wheel",
    "name": "mirror",
    "requirement": "mini==1.0",
    "module": "cragru.data.recbole_ml_100k",
    "members": {"pkg/mini.inter": "1" * 64},
}
OWN = {
    "kind": "file",
    "path": "~/mini",
    "module": "cragru.data.movielens_100k",
    "members": {"u.data": None, "more/u.item": "0" * 64},
}
ENTRY = {
    "title": "Mini",
    "version": "1",
    "licence": "none",
    "homepage": "https://example.org/",
    "archive": "mini.zip",
    "folder": "mini",
    "sources": [URL, WHEEL],
}


def load(tmp_path, name="mini", **changes):
    path = tmp_path / "datasets.yaml"
    path.write_text(yaml.safe_dump({"datasets": {name: {**copy.deepcopy(ENTRY), **changes}}}))
    return parse(Registry, load_yaml(path), str(path))


def mini(tmp_path, **changes):
    return load(tmp_path, **changes).datasets["mini"]


def test_shipped_registry():
    registry = parse(Registry, load_yaml(SHIPPED), "datasets.yaml")
    shipped = [registry.datasets[name] for name in ("ml-100k", "ml-1m")]
    entry = registry.datasets["ml-100k"]
    assert (entry.title, entry.archive, entry.folder) == ("ML-100K", "ml-100k.zip", "ml-100k")
    assert [source.kind for source in entry.sources] == ["url", "wheel"]
    assert entry.publisher is entry.sources[0]
    assert [source.kind for source in registry.datasets["ml-1m"].sources] == ["url"]
    assert {one.prompt for one in shipped} == {"config/prompts/movielens.txt"}
    netflix = registry.datasets["netflix"]
    assert {source.kind for source in netflix.sources} == {"copy"}
    assert len(netflix.copies) == 3
    assert "Internet Archive" in netflix.archived
    templates = [netflix.prompt, *netflix.form_prompts.values()]
    for path in templates:  # nothing is known of users
        assert "{user_profile_text}" not in (SHIPPED.parents[1] / path).read_text(encoding="utf-8")
    for one in [*shipped, netflix]:
        assert "no redistribution" in one.licence


@pytest.mark.parametrize(
    ("module", "name", "there"),
    [
        ("cragru.data.movielens_100k", "load", True),
        ("cragru.data.movielens_100k", "lod", False),
        (
            "cragru.data.movielens",
            "load",
            False,
        ),  # no function at its top, though one is called so elsewhere
        ("cragru.data.movielens_2m", "load", False),
        ("cragru.data", "load", False),
        ("pandas", "read_csv", False),  # of the repository alone: a digest follows nothing else
    ],
)
def test_whether_a_module_has_a_function(module, name, there):
    assert offers(module, [name]) is there


def test_what_fetching_depends_on_has_no_words_and_no_loader(tmp_path):
    entry = mini(tmp_path)
    words = {
        "title": "M",
        "version": "2",
        "licence": "x",
        "homepage": "https://example.com/",
        "prompt": "p",
    }
    other = mini(tmp_path, **words, sources=[URL | {"module": "cragru.data.movielens_1m"}, WHEEL])
    assert other.raw_files == entry.raw_files
    assert RawFiles.model_validate(entry.raw_files.model_dump(mode="json")) == entry.raw_files
    for changes in ({"archive": "x.zip"}, {"sources": [WHEEL, URL]}, {"sources": [URL]}):
        assert mini(tmp_path, **changes).raw_files != entry.raw_files


def test_a_local_copy_is_read_as_the_publishers_files_are(tmp_path):
    names = {"mirror": "cragru.data.recbole_ml_100k", "publisher": "cragru.data.movielens_100k"}
    assert mini(tmp_path, sources=[WHEEL, URL]).loaders == names | {"local": names["publisher"]}
    assert mini(tmp_path, sources=[WHEEL]).loaders == {"mirror": names["mirror"]}


def test_round_trip(tmp_path):
    registry = load(tmp_path)
    assert Registry.model_validate(registry.model_dump()) == registry


def test_publisher_is_none_without_a_url(tmp_path):
    assert mini(tmp_path, sources=[WHEEL]).publisher is None


def source(one, **changes):
    """The only source of a data set, changed."""
    return {"sources": [one | changes]}


def test_files_of_ones_own_need_neither_an_address_nor_checksums(tmp_path):
    path = tmp_path / "datasets.yaml"
    words = {name: ENTRY[name] for name in ("title", "version", "licence")}
    path.write_text(yaml.safe_dump({"datasets": {"mini": words | {"sources": [OWN]}}}))
    entry = parse(Registry, load_yaml(path), str(path)).datasets["mini"]
    assert set(entry.own.files) == {"~/mini/u.data", "~/mini/more/u.item"}
    assert entry.loaders == {"own": OWN["module"]}
    assert RawFiles.model_validate(entry.raw_files.model_dump(mode="json")) == entry.raw_files
    for name in ("archive", "folder"):
        with refused(place=f"{tmp_path}/datasets.yaml: datasets.mini.{name}", what="missing"):
            load(tmp_path, **{name: None})


PASSWORDS = [
    "https://me:geheim@example.org/mini.zip",
    "https://me:ge/heim@example.org/mini.zip",
    "me:geheim@example.org/mini.zip",
    " ftp://me:geheim@example.org",
]


@pytest.mark.parametrize("url", PASSWORDS)
@pytest.mark.parametrize("key", ["url", "homepage"])
def test_an_address_with_a_password_is_refused_and_not_shown(tmp_path, key, url):
    changes = {"homepage": url} if key == "homepage" else source(URL, url=url)
    with refused(got=NOTHING) as caught:
        load(tmp_path, **changes)
    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].place.endswith(key)
    assert "heim" not in str(caught.value)


TWO = {"mini/a/u.data": "0" * 64, "mini/b/u.data": "0" * 64}
LOADERS = "movielens_100k movielens_1m recbole_ml_100k"
WRONG = [
    (source(URL, members={"mini/u.data": "abc"}), "sources.0.members.mini/u.data", "abc"),
    (source(URL, members={"mini/u.data": "G" * 64}), "sources.0.members.mini/u.data", "G" * 64),
    (source(URL, members={}), "sources.0.members", NOTHING),
    (source(URL, members={"u.data": "0" * 64}), "", "u.data"),
    (source(URL, members=TWO), "sources.0.members", ["u.data"]),
    *(
        (source(URL, url=url), "sources.0.url", url)
        for url in (
            "ftp://example.org/mini.zip",
            "http://[/x.zip",
            "http://[::1/x.zip",
            "http://example.org:port/x.zip",
            "http://example.org:99999/x.zip",
            "http://ex..org/x.zip",
            f"http://{'a' * 64}.org/x.zip",
            "http://example.org/bücher.zip",
        )
    ),
    *(
        (source(one, members={f"mini/{name}": "0" * 64}), f"sources.0.members.{name}", NOTHING)
        for one in (URL, WHEEL, OWN)
        for name in ("source.json", "manifest.json", "u-manifest.json", ".snakemake_timestamp")
    ),
    ({"sources": [OWN, URL]}, "sources", NOTHING),
    (source(OWN, path="$HOME/mini"), "sources.0.path", "$HOME/mini"),
    (source(OWN, members={"../u.data": None}), "sources.0.members.../u.data", "../u.data"),
    (source(OWN, members={"u.data": "abc"}), "sources.0.members.u.data", "abc"),
    (source(OWN, name="mine"), "sources.0.name", "mine"),
    (
        source(URL, module="cragru.data.movielens_2m"),
        "sources.0.module",
        "cragru.data.movielens_2m",
    ),
    (source(URL, module="cragru.data.movielens"), "sources.0.module", "cragru.data.movielens"),
    ({"sources": [URL, WHEEL | {"name": "publisher"}]}, "sources", ["publisher"]),
    (source(URL, name="local"), "sources", ["local"]),
    (source(URL, kind="torrent"), "sources.0.kind", "torrent"),
    (source(WHEEL, requirement="mini>=1"), "sources.0.requirement", "mini>=1"),
    (source(WHEEL, requirement="--index-url==1"), "sources.0.requirement", "--index-url==1"),
    ({"sources": []}, "sources", NOTHING),
    ({"archive": "zips/mini.zip"}, "archive", "zips/mini.zip"),
    ({"licence": 3}, "licence", 3),
    ({"prompt": 3}, "prompt", 3),
    ({"titel": "Mini"}, "titel", "titel"),
]


@pytest.mark.parametrize(("changes", "key", "got"), WRONG)
def test_a_bad_entry_is_one_problem_on_one_line(tmp_path, changes, key, got):
    place = f"{tmp_path}/datasets.yaml: datasets.mini"
    with refused(place=f"{place}.{key}" if key else place, got=got) as caught:
        load(tmp_path, **changes)
    assert len(caught.value.problems) == 1
    assert "\n" not in str(caught.value)


def test_a_bad_name_is_one_problem_on_one_line(tmp_path):
    with refused(place=f"{tmp_path}/datasets.yaml: datasets.Mini/1", got="Mini/1") as caught:
        load(tmp_path, name="Mini/1")
    assert len(caught.value.problems) == 1
    assert "\n" not in str(caught.value)


def test_names_that_are_allowed_are_told(tmp_path):
    with refused(allowed=["copy", "file", "url", "wheel"]):
        load(tmp_path, **source(URL, kind="torrent"))
    with refused(allowed=AtLeast(f"cragru.data.{name}" for name in LOADERS.split())) as caught:
        load(tmp_path, **source(URL, module="cragru.data.movielens_2m"))
    assert "did you mean 'cragru.data.movielens_1m'?" in str(caught.value)
    with refused(got="titel") as caught:
        load(tmp_path, titel="Mini")
    assert "did you mean 'title'?" in str(caught.value)


def test_a_bad_entry_is_one_sentence(tmp_path):
    with refused() as caught:
        load(tmp_path, **source(URL, members={"u.data": "0" * 64}))
    assert str(caught.value) == (
        f"{tmp_path}/datasets.yaml: datasets.mini: outside `folder`, got 'u.data'; "
        "name the member in full"
    )


def test_missing_registry(tmp_path):
    with refused(place=tmp_path / "datasets.yaml"):
        load_yaml(tmp_path / "datasets.yaml")
