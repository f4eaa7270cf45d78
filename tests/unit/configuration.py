"""The shipped configuration files, and copies of them with something changed."""

import copy
from pathlib import Path

from cragru.config.datasets import Registry
from cragru.config.models import Params, Protocols, Settings, Tables

ROOT = Path(__file__).parents[2]
FILES = {
    "config": ("config/config.yaml", Settings),
    "datasets": ("config/datasets.yaml", Registry),
    "protocols": ("config/protocols.yaml", Protocols),
    "params": ("config/params.yaml", Params),
    "tables": ("config/tables.yaml", Tables),
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
