import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Literal

import jsonschema
import pytest
import yaml
from configuration import DELETE, changed
from pydantic import Field, NonNegativeInt, PositiveInt

from cragru.config.base import Frozen
from cragru.config.models import Fraction
from cragru.config.types import Module, Name, VariantName
from cragru.plan import schema
from cragru.plan.reference import page

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "workflow" / "schemas"
README = ROOT / "config" / "README.md"
NAMES = ["config", "datasets", "figures", "llms", "params", "protocols", "tables"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A copy of the shipped schemas, and of the README in a folder below, which the command works on."""
    monkeypatch.setattr(schema, "FOLDER", tmp_path)
    monkeypatch.setattr(schema, "README", tmp_path / "config" / "README.md")
    (tmp_path / "config").mkdir()
    shutil.copy(README, tmp_path / "config")
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


def test_a_changed_reference_fails_the_check(folder, capsys):
    path = folder / "config" / "README.md"
    stale = path.read_text().replace("| `seeds` |", "| `sead` |")
    path.write_text(stale)
    assert schema.main(["--check"]) == 1
    told = capsys.readouterr().err
    assert "-| `sead` |" in told
    assert "+| `seeds` |" in told
    assert path.read_text() == stale


def test_writing_mends_the_reference_and_leaves_the_introduction(folder):
    path = folder / "config" / "README.md"
    shipped = path.read_text()
    path.write_text(shipped.replace("# Configuration", "# Keys", 1).replace("| `seeds` |", ""))
    assert schema.main([]) == 0
    assert path.read_text() == shipped.replace("# Configuration", "# Keys", 1)
    path.unlink()
    assert schema.main([]) == 0
    assert shipped.endswith(path.read_text())


@pytest.mark.parametrize("name", NAMES)
def test_the_readme_has_every_key(name):
    told = README.read_text().partition(f"\n## {name}.yaml\n")[2].partition("\n## ")[0]
    content = json.loads((SHIPPED / f"{name}.schema.json").read_text())
    keys = {}
    for model in [content, *content.get("$defs", {}).values()]:
        keys |= model["properties"]
        kind = model["properties"].get("kind", {}).get("const")
        assert kind is None or f"\n#### `kind: {kind}`\n" in told
    assert len(keys) > 3 or name == "figures"
    assert not [key for key in keys if f"\n| `{key}` | " not in told and key != "kind"]


def test_links_inside_the_readme_lead_to_a_heading():
    told = README.read_text()
    headings = re.findall(r"^#+ (.+)$", told, re.MULTILINE)
    anchors = {re.sub(r"[^\w-]", "", text).lower() for text in headings if " " not in text}
    links = re.findall(r"\]\(#([^)]+)\)", told)
    assert len(links) > 20
    assert not set(links) - anchors


class Near(Frozen):
    """What is near.

    Attributes:
        many: How many there are,
            at most.
    """

    kind: Literal["near"]
    many: NonNegativeInt = 2


class Far(Frozen):
    """What is far."""

    kind: Literal["far"]
    many: NonNegativeInt = Field(default=2, description="how many there are, at most")
    away: float = Field(gt=0, le=5000, description="how | far")


Entry = Annotated[Near | Far, Field(discriminator="kind")]


class Content(Frozen):
    """A file."""

    names: list[Name] = Field(min_length=1)
    variants: list[VariantName] = Field(default=[])
    way: Literal["a", "b", "c"] | None = Field(default=None, description="a: one; null: a-b: two.")
    ways: list[Literal["a", "b"]]
    shares: tuple[Fraction, Fraction]
    modules: dict[Name, Module]
    sizes: dict[str, PositiveInt | None] = Field(default={"x": 1, "y": None})
    entries: dict[Name, Entry] = Field(description="one entry")


ROWS = """
| `names` | list of names, not empty | `[x]` |  |
| `variants` | list of names or variants | `[]` |  |
| `way` | `a`, `b` or `c`, or null | `null` | `a`: one; `null`: a-b: two |
| `ways` | list of `a` or `b` | required |  |
| `shares` | list of 2 numbers between 0 and 1 | required |  |
| `modules` | for each name: Python module | required |  |
| `sizes` | for each key: positive whole number, or null | `{x: 1, y: null}` |  |
| `entries` | [for each name: section by `kind`](#entriesname) | required | One entry |

### `entries.{name}`

`kind` is `near` or `far`. Each has:

| key | type | default | what it says |
|---|---|---|---|
| `many` | whole number from 0 | `2` | How many there are, at most |

#### `kind: near`

What is near.

#### `kind: far`

What is far.

| key | type | default | what it says |
|---|---|---|---|
| `away` | positive number up to 5,000 | required | How \\| far |
"""


def test_types_stand_in_plain_words():
    content = Content.model_json_schema(schema_generator=schema.Described)
    told = page("An introduction.\n", {"config": content}, {"names": ["x"]})
    assert told.startswith("An introduction.\n<!--")
    assert "\n## config.yaml\n\nA file.\n\n| key |" in told
    assert told.endswith(ROWS)


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
