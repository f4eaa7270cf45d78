import copy
from pathlib import Path
from typing import get_args

import pytest
import yaml

from cragru.config.datasets import Loader, Registry, load_registry
from cragru.data.movielens import LOADERS
from cragru.errors import CragruError

SHIPPED = Path(__file__).parents[2] / "config" / "datasets.yaml"

URL = {
    "kind": "url",
    "name": "publisher",
    "url": "https://example.org/mini.zip",
    "loader": "movielens-100k",
    "members": {"mini/u.data": "0" * 64},
}
WHEEL = {
    "kind": "wheel",
    "name": "mirror",
    "requirement": "mini==1.0",
    "loader": "recbole-ml-100k",
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
    assert sorted(registry.datasets) == ["ml-100k", "ml-1m"]
    entry = registry.entry("ml-100k")
    assert (entry.title, entry.archive, entry.folder) == ("ML-100K", "ml-100k.zip", "ml-100k")
    assert [source.kind for source in entry.sources] == ["url", "wheel"]
    assert entry.publisher is entry.sources[0]
    assert [source.kind for source in registry.entry("ml-1m").sources] == ["url"]
    assert {one.prompt for one in registry.datasets.values()} == {"config/prompts/movielens.txt"}
    for one in registry.datasets.values():
        assert "no redistribution" in one.licence


def test_every_loader_name_has_a_function():
    assert set(LOADERS) == set(get_args(Loader))


def test_round_trip(tmp_path):
    registry = load(tmp_path)
    assert Registry.model_validate(registry.model_dump()) == registry


def test_unknown_data_set_names_the_nearest():
    with pytest.raises(CragruError) as caught:
        load_registry(SHIPPED).entry("ml100k")
    message = str(caught.value)
    assert message.startswith("'ml100k': unknown data set (did you mean 'ml-100k'? allowed: ml-100k, ml-1m)")
    assert "\n" not in message


def test_publisher_is_none_without_a_url(tmp_path):
    assert load(tmp_path, sources=[WHEEL]).entry("mini").publisher is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sources": [{**URL, "members": {"mini/u.data": "abc"}}]}, r"sources.0.members.mini/u.data: got 'abc'"),
        ({"sources": [{**URL, "members": {"mini/u.data": "G" * 64}}]}, r"\[0-9a-f\]\{64\}"),
        ({"sources": [{**URL, "members": {}}]}, "sources.0.members: empty; name at least one"),
        ({"sources": [{**URL, "members": {"u.data": "0" * 64}}]}, "'u.data' lies outside the archive's folder 'mini'"),
        (
            {"sources": [{**URL, "members": {"mini/a/u.data": "0" * 64, "mini/b/u.data": "0" * 64}}]},
            "two members are called u.data",
        ),
        ({"sources": [{**URL, "url": "ftp://example.org/mini.zip"}]}, "sources.0.url: got 'ftp:"),
        ({"sources": [{**URL, "loader": "movielens"}]}, "sources.0.loader: got 'movielens'.*'movielens-1m'"),
        ({"sources": [{**URL, "kind": "torrent"}]}, "sources.0: .*'url', 'wheel'"),
        ({"sources": [{**WHEEL, "requirement": "mini>=1"}]}, "sources.0.requirement: got 'mini>=1'"),
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
