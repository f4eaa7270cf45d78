import copy
from pathlib import Path

import pytest
import yaml

from cragru.config.datasets import RawFiles, Registry, load_registry
from cragru.core.errors import CragruError
from cragru.plugins.source import lacking

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
    return load_registry(path)


def test_shipped_registry():
    registry = load_registry(SHIPPED)
    shipped = [registry.entry(name) for name in ("ml-100k", "ml-1m")]
    entry = registry.entry("ml-100k")
    assert (entry.title, entry.archive, entry.folder) == ("ML-100K", "ml-100k.zip", "ml-100k")
    assert [source.kind for source in entry.sources] == ["url", "wheel"]
    assert entry.publisher is entry.sources[0]
    assert [source.kind for source in registry.entry("ml-1m").sources] == ["url"]
    assert {one.prompt for one in shipped} == {"config/prompts/movielens.txt"}
    for one in shipped:
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
    assert (lacking(module, [name]) is None) is there


def test_what_fetching_depends_on_has_no_words_and_no_loader(tmp_path):
    entry = load(tmp_path).entry("mini")
    words = {
        "title": "M",
        "version": "2",
        "licence": "x",
        "homepage": "https://example.com/",
        "prompt": "p",
    }
    other = load(
        tmp_path, **words, sources=[URL | {"module": "cragru.data.movielens_1m"}, WHEEL]
    ).entry("mini")
    assert other.raw_files == entry.raw_files
    assert RawFiles.model_validate(entry.raw_files.model_dump(mode="json")) == entry.raw_files
    for changes in ({"archive": "x.zip"}, {"sources": [WHEEL, URL]}, {"sources": [URL]}):
        assert load(tmp_path, **changes).entry("mini").raw_files != entry.raw_files


def test_a_local_copy_is_read_as_the_publishers_files_are(tmp_path):
    names = {"mirror": "cragru.data.recbole_ml_100k", "publisher": "cragru.data.movielens_100k"}
    assert load(tmp_path, sources=[WHEEL, URL]).entry("mini").loaders == names | {
        "local": names["publisher"]
    }
    assert load(tmp_path, sources=[WHEEL]).entry("mini").loaders == {"mirror": names["mirror"]}


def test_round_trip(tmp_path):
    registry = load(tmp_path)
    assert Registry.model_validate(registry.model_dump()) == registry


def test_unknown_data_set_names_the_nearest():
    with pytest.raises(CragruError) as caught:
        load_registry(SHIPPED).entry("ml100k")
    message = str(caught.value)
    assert message.startswith("'ml100k': unknown data set (did you mean 'ml-100k'? allowed: ")
    assert "\n" not in message


def test_publisher_is_none_without_a_url(tmp_path):
    assert load(tmp_path, sources=[WHEEL]).entry("mini").publisher is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"sources": [{**URL, "members": {"mini/u.data": "abc"}}]},
            r"sources.0.members.mini/u.data: got 'abc'",
        ),
        ({"sources": [{**URL, "members": {"mini/u.data": "G" * 64}}]}, r"\[0-9a-f\]\{64\}"),
        ({"sources": [{**URL, "members": {}}]}, "sources.0.members: empty; name at least one"),
        (
            {"sources": [{**URL, "members": {"u.data": "0" * 64}}]},
            "'u.data' lies outside the archive's folder 'mini'",
        ),
        (
            {
                "sources": [
                    {**URL, "members": {"mini/a/u.data": "0" * 64, "mini/b/u.data": "0" * 64}}
                ]
            },
            "two members are called u.data",
        ),
        ({"sources": [{**URL, "url": "ftp://example.org/mini.zip"}]}, "sources.0.url: got 'ftp:"),
        (
            {"sources": [{**URL, "module": "cragru.data.movielens_2m"}]},
            r"sources.0.module: got 'cragru.data.movielens_2m', which is no module of cragru "
            r"\(did you mean 'cragru.data.movielens_1m'\? allowed: .*\)",
        ),
        (
            {"sources": [{**URL, "module": "cragru.data.movielens"}]},
            "sources.0.module: .* which has no function load",
        ),
        (
            {"sources": [URL, {**WHEEL, "name": "publisher"}]},
            "sources: more than one source is called publisher",
        ),
        ({"sources": [{**URL, "name": "local"}]}, "sources: more than one source is called local"),
        ({"sources": [{**URL, "kind": "torrent"}]}, "sources.0: .*'url', 'wheel'"),
        (
            {"sources": [{**WHEEL, "requirement": "mini>=1"}]},
            "sources.0.requirement: got 'mini>=1'",
        ),
        ({"sources": [{**WHEEL, "requirement": "--index-url==1"}]}, "sources.0.requirement"),
        ({"sources": []}, "datasets.mini.sources: empty; name at least one"),
        ({"archive": "zips/mini.zip"}, "archive: got 'zips/mini.zip'"),
        ({"licence": 3}, "licence: got 3"),
        ({"prompt": 3}, "prompt: got 3"),
        ({"titel": "Mini"}, "datasets.mini.titel: unknown key .did you mean 'title'"),
        ({"name": "Mini/1"}, r"datasets.Mini/1"),
    ],
)
def test_bad_entries_are_one_line_errors(tmp_path, changes, said):
    with pytest.raises(CragruError, match=said) as caught:
        load(tmp_path, **changes)
    assert str(caught.value).startswith(str(tmp_path / "datasets.yaml"))
    assert "\n" not in str(caught.value)


def test_one_wrong_key_is_one_problem(tmp_path):
    with pytest.raises(CragruError) as caught:
        load(tmp_path, sources=[{**URL, "members": {"mini/u.data": "abc"}}])
    assert ";" not in str(caught.value).replace("; String should match", "")


def test_missing_registry(tmp_path):
    with pytest.raises(CragruError, match="no such configuration file"):
        load_registry(tmp_path / "datasets.yaml")
