"""Write the JSON schemas of the configuration files, or check that they are up to date.

``python -m cragru.plan.schema`` writes ``workflow/schemas/*.schema.json``; with ``--check`` it only compares and
exits 1 with a diff where a file differs from the models.
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

from cragru.config.base import Frozen
from cragru.config.models import Settings
from cragru.kept.files import write_text
from cragru.plan.loading import FILES

FOLDER = Path(__file__).parents[2] / "workflow" / "schemas"
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


def schema_text(model: type[Frozen]) -> str:
    """Return the JSON schema of a model, as it is kept on disk."""
    return json.dumps(model.model_json_schema(schema_generator=Described), indent=2) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write or check, and return the exit status."""
    parser = argparse.ArgumentParser(description="JSON schemas of the configuration files")
    parser.add_argument(
        "--check", action="store_true", help="compare only; exit 1 where a file is out of date"
    )
    check = parser.parse_args(arguments).check
    stale = False
    for name, model in SCHEMAS.items():
        path, wanted = FOLDER / f"{name}.schema.json", schema_text(model)
        current = path.read_text(encoding="utf-8") if path.exists() else ""
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


if __name__ == "__main__":
    sys.exit(main())
