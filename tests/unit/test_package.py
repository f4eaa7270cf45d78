"""A run as an RO-Crate: all that is shown and what made it, and nothing of anybody's data."""

import json
from collections import Counter
from zipfile import ZipFile

import pytest

from cragru.reporting.made import Made
from cragru.reporting.package import check_package, with_manifests, write_package
from tests.refusals import refused

MADE = Made(Counter(table=1), set(), ["0123456789abcdef"], ["x86"], {"torch": ["2.13.0"]})


@pytest.fixture
def a_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (
        "results/tiny/tables/table2.csv",
        "results/tiny/report.html",
        "config/params.yaml",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "results/tiny/tables/table2-manifest.json").write_text("{}")
    (tmp_path / "results/tiny/tables/table9.csv").write_text("of another run")
    return ["results/tiny/tables/table2.csv", "results/tiny/report.html"]


def write(files, sources=("config/params.yaml",)):
    write_package("tiny.crate.zip", "tiny", with_manifests(files), sources, {"run": "tiny"}, MADE)


def test_it_holds_what_is_shown_its_manifests_and_the_configuration(a_run, tmp_path):
    write(a_run)
    with ZipFile(tmp_path / "tiny.crate.zip") as archive:
        content = {name: archive.read(name).decode() for name in archive.namelist()}
    metadata = json.loads(content.pop("ro-crate-metadata.json"))
    assert content == {
        "tiny/tables/table2.csv": "results/tiny/tables/table2.csv",
        "tiny/tables/table2-manifest.json": "{}",
        "tiny/report.html": "results/tiny/report.html",
        "configuration/params.yaml": "config/params.yaml",
        "configuration/run.yaml": "run: tiny\n",
    }
    described = {entity["@id"]: entity for entity in metadata["@graph"]}
    root = described["./"]
    assert {part["@id"] for part in root["hasPart"]} == content.keys()
    assert (root["name"], root["license"]["@id"]) == (
        "cragru: tiny",
        "https://spdx.org/licenses/MIT",
    )
    assert root["softwareVersion"] == ["0123456789abcdef"]
    assert described["#torch-2.13.0"]["softwareVersion"] == "2.13.0"
    assert described["tiny/tables/table2.csv"]["encodingFormat"] == "text/csv"


@pytest.mark.parametrize(
    "name", ["results/toy/split/train.parquet", "results/toy/model.safetensors"]
)
def test_what_may_hold_rows_of_people_is_refused_and_nothing_is_left(a_run, tmp_path, name):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("rows")
    with refused(place=name):
        write([*a_run, name])
    assert not (tmp_path / "tiny.crate.zip").exists()


def test_a_file_that_the_description_does_not_name_is_found(a_run, tmp_path):
    write(a_run)
    with ZipFile(tmp_path / "tiny.crate.zip", "a") as archive:
        archive.writestr("tiny/tables/made-up.csv", "1")
    with refused(got="tiny/tables/made-up.csv"):
        check_package(tmp_path / "tiny.crate.zip")
