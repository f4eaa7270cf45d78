import json
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml
from configuration import DELETE, changed

from cragru.plan import schema

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "workflow" / "schemas"
NAMES = ["config", "datasets", "figures", "llms", "params", "protocols", "tables"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A copy of the shipped schemas, which the command works on."""
    monkeypatch.setattr(schema, "FOLDER", tmp_path)
    shutil.copytree(SHIPPED, tmp_path, dirs_exist_ok=True)
    return tmp_path


def validator(name):
    content = json.loads((SHIPPED / f"{name}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(content)
    return jsonschema.Draft202012Validator(content)


def shipped(name):
    return yaml.safe_load((ROOT / "config" / f"{name}.yaml").read_text())


def test_tree_is_up_to_date():
    command = [sys.executable, "-m", "cragru.plan.schema", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_there_is_a_schema_for_every_configuration_file():
    assert sorted(path.name for path in SHIPPED.iterdir()) == [
        f"{name}.schema.json" for name in NAMES
    ]
    assert sorted(schema.SCHEMAS) == NAMES


def test_check_tells_what_differs_and_changes_nothing(folder, capsys):
    path = folder / "config.schema.json"
    stale = path.read_text().replace('"run"', '"rum"')
    path.write_text(stale)
    assert schema.main(["--check"]) == 1
    told = capsys.readouterr().err
    assert '-    "rum"' in told
    assert '+    "run"' in told
    assert "--- config.schema.json" in told
    assert "out of date: run `make schema`" in told
    assert not any(f"{name}.schema.json" in told for name in NAMES[1:])
    assert path.read_text() == stale


def test_check_misses_no_file(folder):
    (folder / "tables.schema.json").unlink()
    assert schema.main(["--check"]) == 1


def test_writing_mends_what_is_stale_and_leaves_the_rest(folder):
    (folder / "tables.schema.json").unlink()
    (folder / "params.schema.json").write_text("{}")
    untouched = (folder / "config.schema.json").stat().st_ino
    assert schema.main([]) == 0
    for name in NAMES:
        file = f"{name}.schema.json"
        assert (folder / file).read_bytes() == (SHIPPED / file).read_bytes()
    assert (folder / "config.schema.json").stat().st_ino == untouched
    assert schema.main(["--check"]) == 0


@pytest.mark.parametrize("name", NAMES)
def test_shipped_file_is_valid(name):
    validator(name).validate(shipped(name))


def alter(data, name):
    """Break one rule of the file."""
    if name == "config":
        data["seeds"] = []
    elif name == "datasets":
        data["datasets"]["ml-1m"]["sources"][0]["members"]["a"] = "no checksum"
    elif name == "protocols":
        data["protocols"]["paper"]["order"] = "at-once"
    elif name == "params":
        data["backbones"]["bpr"]["epochs"] = 0
    elif name == "figures":
        data["figures"]["figure4"]["cutoffs"] = []
    elif name == "llms":
        data["llms"]["llama-3.1-8b-instruct"]["source"]["revision"] = "main"
    else:
        data["tables"]["table2"]["mask"] = "C"
    return data


WRONG = [
    ("config", "figures", "figure4"),
    ("config", "scoring/llm", ""),
    ("config", "scoring/cohorts", {"pilot": 0}),
    ("config", "scoring/batch", "all"),
    ("config", "scoring/chunk", None),
    ("config", "scoring/chnk", 32),
    ("params", "strategies/none/whole", 3),
    ("datasets", "datasets/ml-1m/prompt", 3),
    ("tables", "tables/table2/panel", "cohort"),
    ("tables", "tables/cragru-cost/mask", "A"),
    ("figures", "figures/figure4/kind", "utility"),
    ("figures", "figures/figure4/rivals", "retrain"),
]


@pytest.mark.parametrize(("name", "key", "value"), WRONG)
def test_schema_knows_what_scoring_may_be(name, key, value):
    assert not validator(name).is_valid(changed(shipped(name), {key: value}))


RIGHT = [
    ("config", "figures", []),
    ("config", "scoring/llm", None),
    ("config", "scoring/tokens", None),
    ("config", "scoring/cohorts", {"pilot": 1, "everyone": None}),
    ("params", "strategies/none/whole", DELETE),
    ("datasets", "datasets/ml-1m/prompt", "config/prompts/no-profile.txt"),
    ("tables", "tables/table2/panel", DELETE),
    ("figures", "figures/figure4/rivals", DELETE),
]


@pytest.mark.parametrize(("name", "key", "value"), RIGHT)
def test_schema_allows_what_may_be_left_out(name, key, value):
    validator(name).validate(changed(shipped(name), {key: value}))


@pytest.mark.parametrize("name", NAMES)
def test_schema_refuses_a_wrong_value_and_an_unknown_key(name):
    assert not validator(name).is_valid(alter(shipped(name), name))
    assert not validator(name).is_valid({**shipped(name), "sead": 1})
