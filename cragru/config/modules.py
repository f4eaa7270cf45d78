"""Modules that an entry names: whether one is there and has the function that its kind must have.

They are read, not imported: an import would load what a plug-in needs whenever the configuration is looked at.
"""

import ast
from pathlib import Path

from cragru.errors import nearest

ROOT = Path(__file__).parents[2]


def has_function(module: str, name: str) -> bool:
    """Whether a module of the repository is there and defines a function at its top.

    Args:
        module: Its full name.
        name: Of the function.
    """
    path = ROOT.joinpath(*module.split(".")).with_suffix(".py")
    if not path.is_file():
        return False
    statements = ast.parse(path.read_text(encoding="utf-8")).body
    return any(isinstance(one, ast.FunctionDef) and one.name == name for one in statements)


def check_function(module: str, name: str, package: str) -> str:
    """The module, once it is known to have the function.

    Args:
        module: Its full name.
        name: Of the function.
        package: Where modules of this kind are, for the message.

    Raises:
        ValueError: If it has not; the message has the nearest module that does.
    """
    if not has_function(module, name):
        folder = ROOT.joinpath(*package.split("."))
        names = [f"{package}.{path.stem}" for path in sorted(folder.glob("*.py"))]
        hint = nearest(module, [one for one in names if has_function(one, name)])
        raise ValueError(f"got {module!r}, no module with a function {name!r} ({hint}); write it, or name another")
    return module
