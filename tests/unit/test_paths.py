"""One rule for the paths that a person writes, wherever they stand."""

from pathlib import Path

import pytest
from configuration import ROOT

from cragru.audit.commitment import key_path, read_key
from cragru.config.base import load_yaml, parse
from cragru.config.datasets import Registry
from cragru.config.llms import FolderSource
from cragru.core.errors import CragruError
from cragru.data.download import fetch
from cragru.llm.fetching import fetch_model
from cragru.written.paths import CACHE, RULE, as_input, check_variables, located, make_cache_folder
from tests.refusals import refused

KEY, DATA = "CRAGRU_AUDIT_KEY_FILE", "CRAGRU_DATA_DIR"


@pytest.fixture
def working(tmp_path, monkeypatch):
    """A working folder, a repository beside it, and a home."""
    for name in ("working", "repository", "home"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "working")
    return tmp_path


def test_the_home_folder(working):
    assert located("~/keys/a", "key", working / "repository") == working / "home/keys/a"
    assert located("~", "key", working / "repository") == working / "home"
    assert located("a~/b", "key", working / "repository") == Path("a~/b")


def test_a_relative_path_is_of_the_repository_if_it_is_there(working):
    repository = working / "repository"
    assert located("requests/a.csv", "key", repository) == Path("requests/a.csv")
    (repository / "requests").mkdir()
    (repository / "requests/a.csv").touch()
    assert located("requests/a.csv", "key", repository) == repository / "requests/a.csv"
    assert as_input("requests/a.csv", "key", repository) == "../repository/requests/a.csv"
    assert as_input("requests/b.csv", "key", repository) == "requests/b.csv"
    assert as_input("/absolute/a.csv", "key", repository) == "/absolute/a.csv"


@pytest.mark.parametrize(
    "path", ["~nosuchuser/a", "~nosuchuser\0/a", "$HOME/a", '"~/a"', "'a'", "a\0b", " "]
)
def test_what_is_no_path_is_one_line(path):
    with refused(place="data_dir", got=path):
        located(path, "data_dir")
    for name in (KEY, DATA):
        with refused(place=name, got=path):
            check_variables({name: path})
    with refused(place=KEY, got=path):
        key_path({KEY: path})


def test_what_is_no_path_is_one_sentence():
    with refused() as caught:
        located("$HOME/a", "data_dir")
    assert str(caught.value) == (
        "data_dir: no path, got '$HOME/a'; write the path out ('~' is your home folder)"
    )


def test_a_key_file_from_a_file_of_variables_is_made_at_home(working):
    """No shell has expanded `~` there; the checkout stays without a secret."""
    read_key(working / "results", {KEY: "~/keys/audit.key"}, make=True)
    assert (working / "home/keys/audit.key").is_file()
    assert list((working / "working").iterdir()) == []
    assert key_path({"XDG_CONFIG_HOME": "~/settings"}) == working / "home/settings/cragru/audit.key"


def test_the_rule_is_told_of_a_relative_path_that_is_not_there(working):
    registry = parse(Registry, load_yaml(ROOT / "config/datasets.yaml"), "datasets.yaml")
    entry = registry.datasets["ml-100k"].raw_files
    for path in ("nowhere", "/no"):
        with pytest.raises(CragruError) as caught:
            fetch(entry, "ml-100k", working / "target", path)
        assert caught.value.problems[0].got == path
        assert (RULE in str(caught.value)) == (path == "nowhere")


def test_variables_that_are_unset_or_empty():
    check_variables({})
    check_variables({KEY: "", DATA: ""})


def test_the_folder_of_a_model(working):
    (working / "home/model").mkdir()
    (working / "home/model/config.json").touch()
    source = FolderSource(kind="folder", path="~/model")
    assert source.files() == [str(working / "home/model/config.json")]
    assert FolderSource(kind="folder", path="nowhere").files() == []
    with pytest.raises(CragruError, match=r"tokenizer\.json"):
        fetch_model(source, working / "target")
    for path in ("~nosuchuser/model", "$HOME/model"):
        with refused(place="x.yaml: path", got=path):
            parse(FolderSource, {"kind": "folder", "path": path}, "x.yaml")


def test_the_shipped_files_are_those_of_the_repository(working):
    assert located("config/params.yaml", "files.params") == ROOT / "config/params.yaml"


def test_the_folder_of_the_cache_is_made(working):
    cache = working / "cache/of/all"
    for _ in range(2):
        make_cache_folder({CACHE: str(cache)})
    assert cache.is_dir()
    for none in ({}, {CACHE: ""}, {CACHE: "s3://bucket"}):
        make_cache_folder(none)
    assert list((working / "working").iterdir()) == []
    (cache / "file").touch()
    with refused(place=CACHE, got=str(cache / "file/cache")):
        make_cache_folder({CACHE: str(cache / "file/cache")})
    with refused(place=CACHE, got="~/cache"):
        check_variables({CACHE: "~/cache"})
