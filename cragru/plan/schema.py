"""Write what is generated from the models of the configuration, or check that it is up to date.

``python -m cragru.plan.schema`` writes ``workflow/schemas/*.schema.json``, and the reference in ``config/README.md``;
with ``--check`` it only compares and exits 1 with a diff where a file differs from the models.
"""

import argparse
import difflib
import inspect
import json
import re
import sys
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from cragru.config.base import Frozen, load_yaml
from cragru.config.models import Settings
from cragru.kept.files import write_text
from cragru.plan.loading import FILES
from cragru.plan.reference import page

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "workflow" / "schemas"
README = ROOT / "config" / "README.md"
SCHEMAS: dict[str, type[Frozen]] = {"config": Settings, **FILES}
ATTRIBUTE = re.compile(r"^    (\w+): (.+(?:\n {8}.+)*)", re.MULTILINE)  # of a docstring


class Described(GenerateJsonSchema):
    """A field that has no description has the words of the docstring, under `Attributes`."""

    def model_schema(self, schema: Any) -> dict[str, Any]:
        """Return the schema of a model."""
        made = super().model_schema(schema)
        for base in schema["cls"].__mro__:
            attributes = inspect.cleandoc(base.__doc__ or "").partition("\nAttributes:\n")[2]
            for name, words in ATTRIBUTE.findall(attributes):
                if name in made["properties"]:
                    made["properties"][name].setdefault("description", " ".join(words.split()))
        return made


def generated() -> dict[Path, str]:
    """Return what each file that is generated should hold, by its path."""
    schemas = {
        name: model.model_json_schema(schema_generator=Described) for name, model in SCHEMAS.items()
    }
    texts = {}
    for name, schema in schemas.items():
        texts[FOLDER / f"{name}.schema.json"] = json.dumps(schema, indent=2) + "\n"
    settings = load_yaml(ROOT / "config" / "config.yaml")
    texts[README] = page(_text_of(README), schemas, settings)
    return texts


def main(arguments: list[str] | None = None) -> int:
    """Write or check, and return the exit status."""
    parser = argparse.ArgumentParser(
        description="JSON schemas and reference of the configuration files"
    )
    parser.add_argument(
        "--check", action="store_true", help="compare only; exit 1 where a file is out of date"
    )
    check = parser.parse_args(arguments).check
    stale = False
    for path, wanted in generated().items():
        current = _text_of(path)
        if current == wanted:
            continue
        stale = True
        if check:
            lines = difflib.unified_diff(
                current.splitlines(), wanted.splitlines(), str(path.name), "models", lineterm=""
            )
            sys.stderr.write("\n".join([*lines, "out of date: run `make schema`", ""]))
        else:
            write_text(path, wanted)
    return int(check and stale)


def _text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
