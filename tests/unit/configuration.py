"""The shipped configuration files, and copies of them with something changed."""

import copy
import shutil
from pathlib import Path

import yaml

from cragru.config.datasets import Registry
from cragru.config.llms import Llms
from cragru.config.models import Params, Protocols, Settings
from cragru.plan.loading import load_project
from cragru.plan.tables import Figures, Tables

ROOT = Path(__file__).parents[2]
FILES = {
    "config": ("config/config.yaml", Settings),
    "datasets": ("config/datasets.yaml", Registry),
    "protocols": ("config/protocols.yaml", Protocols),
    "params": ("config/params.yaml", Params),
    "tables": ("config/tables.yaml", Tables),
    "figures": ("config/figures.yaml", Figures),
    "llms": ("config/llms.yaml", Llms),
}
DELETE = object()


def changed(data, changes):
    """A copy with some values set or, where the new one is DELETE, left out; steps of a key path are cut at `/`."""
    data = copy.deepcopy(data)
    for path, value in changes.items():
        *steps, last = [int(step) if step.isdigit() else step for step in path.split("/")]
        place = data
        for step in steps:
            place = place[step]
        if value is DELETE:
            del place[last]
        else:
            place[last] = value
    return data


def copy_beside(folder):
    """Put what the configuration names beside it into a folder: printed values and templates of prompts."""
    for name in ("paper", "prompts"):
        if not (folder / "config" / name).exists():
            shutil.copytree(ROOT / "config" / name, folder / "config" / name)


def load_changed(shipped, folder, changes=()):
    """Load a changed copy, in `folder`, of the shipped configuration; key paths start with the file's name."""
    files = changed(shipped, dict(changes))
    copy_beside(folder)
    for name, (path, _) in FILES.items():
        (folder / path).write_text(yaml.safe_dump(files[name], sort_keys=False))
    return load_project(files["config"], folder)
