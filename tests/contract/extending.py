"""What a section of docs/extending.md says, done in a copy of the sources: one new module and one entry."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/extending.md").read_text(encoding="utf-8")


def section(title):
    """The blocks of a section by the file that their first line names."""
    text = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    return dict(
        re.findall(r"^```(?:python|yaml)\n# (\S+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    )


def extend(folder, blocks, change=lambda entries: None):
    """A copy of the sources with a section's module and entry; `change` may edit the parsed entry first."""
    for part in ("cragru", "scripts", "config"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    assert len(blocks) == 2, "one module and one entry"
    for path, text in blocks.items():
        if path.endswith(".py"):
            assert not (folder / path).exists()
            (folder / path).write_text(text)
            continue
        content, (key, more) = (
            yaml.safe_load((folder / path).read_text()),
            *yaml.safe_load(text).items(),
        )
        assert set(content[key]).isdisjoint(more)
        change(more)
        (folder / path).write_text(yaml.safe_dump({key: content[key] | more}))
    return folder


def run(folder, program):
    """Run a program on such a copy; gives what it printed."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [
        sys.executable,
        "-P",
        "-c",
        f"import sys; sys.path.insert(0, {str(folder)!r})\n{program}",
    ]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
