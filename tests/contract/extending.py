"""What docs/extending.md says, done in a copy of the sources, a section or all of them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
OWN = "my.yaml"  # a configuration of one's own, which is no part of the sources
METRICS, LIST_METRICS = "cragru/evaluation/metrics.py", "cragru/evaluation/list_metrics.py"
OF_METRICS = {
    "A metric": (METRICS, "METRICS"),
    "A metric of whole lists": (LIST_METRICS, "LIST_METRICS"),
}
"""Sections whose entry stands in a module: the module, and the name there."""


def section(title):
    """The blocks of a section by the file that their first line names."""
    return dict(
        re.findall(
            r"^```(?:python|yaml)\n# (\S+)\n(.*?)^```", SECTIONS[title], re.MULTILINE | re.DOTALL
        )
    )


def metric(title):
    """The function and the entry of a section's metric."""
    return re.findall(r"^```python\n(.*?)^```", SECTIONS[title], re.MULTILINE | re.DOTALL)


def add_module(folder, path, text):
    """Write a module that is not there, or that is the page's: in a checkout that has been extended."""
    module = folder / path
    assert not module.exists() or module.read_text() == text
    module.write_text(text)


def entries_of(file, entries):
    """The content of a file of config/ with more entries, which are not there, or are the page's."""
    content = yaml.safe_load(file.read_text())
    for key, more in entries.items():
        there = {name: content[key][name] for name in more if name in content[key]}
        assert there in ({}, more), "only entries that are not shipped show that the page suffices"
        content[key] |= more
    return content


def extend(folder, blocks, change=lambda entries: None):
    """A copy of the sources with a section's module and entry; `change` may edit the parsed entry first."""
    for part in ("cragru", "scripts", "config"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    assert len(blocks) == 2, "one module and one entry"
    for path, text in blocks.items():
        if path.endswith(".py"):
            add_module(folder, path, text)
            continue
        entries = yaml.safe_load(text)
        content = entries_of(folder / path, entries)
        for key, more in entries.items():
            change(more)
            content[key] |= more
        (folder / path).write_text(yaml.safe_dump(content))
    return folder


def write_metric(folder, title="A metric"):
    """Put a section's metric where it says: the function above the entries, the entry in them."""
    function, entry = metric(title)
    module, name = OF_METRICS[title]
    text = without_metric((folder / module).read_text(), title)
    above, inside = text.split(f"\n{name} = {{\n")
    entries, below = inside.split("}\n", 1)
    text = f"{above}\n{function}\n\n{name} = {{\n{entries}{entry}}}\n{below}"
    (folder / module).write_text(text)


def without_metric(text, title="A metric"):
    """The module of metrics as it is shipped."""
    function, entry = metric(title)
    return text.replace(f"{function}\n\n", "").replace(entry, "")


def extend_all(folder):
    """Follow every section in a checkout, as a person does: modules as printed, entries under their keys."""
    for title in OF_METRICS:
        write_metric(folder, title)
    for title in SECTIONS:
        for path, text in section(title).items():
            if path.endswith(".py"):
                add_module(folder, path, text)
            elif path != OWN:
                entries_of(folder / path, yaml.safe_load(text))
                add_entries(folder / path, text)


def add_entries(file, text):
    """Put the lines below each key of a block below the same key of a file; comments stay."""
    content = file.read_text()
    for key, lines in re.findall(r"^(\w+):.*\n((?: .*\n)+)", text, re.MULTILINE):
        content, count = re.subn(
            rf"^{key}:\n", lambda found, lines=lines: found[0] + lines, content, flags=re.MULTILINE
        )
        assert count == 1
    file.write_text(content)


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
