"""cragru: recommendation unlearning with retrieval-augmented generation, and what it compares against.

`load` begins the library's public face (docs/library.md), which stands in `cragru.api`. That module is imported when it
is called: a plan imports this package, and must do without torch.
"""

from collections.abc import Mapping
from importlib import import_module
from os import PathLike
from typing import Any


def load(
    name: str,
    folder: str | PathLike[str] | None = None,
    config: str | PathLike[str] | Mapping[str, Any] | None = None,
) -> Any:
    """Load a data set as a `cragru.api.Data`; the arguments and the error are those of `cragru.api.load`."""
    return import_module("cragru.api").load(name, folder, config)
