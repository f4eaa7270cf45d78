"""What a plug-in's module offers, read from its source: the module is not imported.

Snakemake reads the configuration wherever a job starts, also where neither torch nor scipy is installed.
"""

import ast
import functools
import importlib
import importlib.util
import pkgutil
import symtable
import sys
from collections.abc import Collection, Iterable

from cragru.core.errors import CragruError, short
from cragru.plugins.options import BaseOptions

CLASS = "Options"
ERRORS = "cragru.core.errors"


def modules_of(package: str) -> list[str]:
    """Return the modules of a package of plug-ins, helpers among them."""
    found = pkgutil.iter_modules(importlib.import_module(package).__path__)
    return [f"{package}.{one.name}" for one in found]


@functools.cache
def names_in(module: str) -> frozenset[str]:
    """Return what a module defines or imports at its top; nothing where there is no such module.

    Raises:
        CragruError: If it is not Python.
    """
    try:
        symbols = symtable.symtable(_source(module), module, "exec").get_symbols()
    except (ValueError, SyntaxError) as error:
        raise CragruError(f"not readable as Python: {short(str(error))}", place=module) from error
    return frozenset(one.get_name() for one in symbols if one.is_assigned() or one.is_imported())


def offers(module: str, functions: Iterable[str]) -> bool:
    """Tell whether a module is one of the repository, which a digest can follow, and has some names at its top."""
    return module.startswith("cragru.") and names_in(module).issuperset(functions)


def check_plugin(
    module: str, functions: Collection[str], package: str, but: Collection[str] = ()
) -> str:
    """Return the name of a module that offers what plug-ins of its kind do.

    The message lists the modules of `package` that do; those in `but` have the functions, and are none of the kind.

    Raises:
        CragruError: If it lacks one.
    """
    if offers(module, functions) and module not in but:
        return module
    names = [one for one in modules_of(package) if one not in but and offers(one, functions)]
    raise CragruError(f"no plug-in with {' and '.join(functions)}", got=module, allowed=names)


@functools.cache
def options_of(module: str, base: type[BaseOptions] = BaseOptions) -> type[BaseOptions]:
    """Return a module's class ``Options``, or `base` where it has none.

    It is made from the module's source, with those imports alone that `_is_wanted` takes.

    Raises:
        CragruError: If the class cannot be made, or does not inherit from `base`.
    """
    if CLASS not in names_in(module):
        return base
    tree, names = ast.parse(_source(module)), {"__name__": module}
    tree.body = [node for node in tree.body if _is_wanted(node, module)]
    try:
        exec(compile(tree, module, "exec"), names)
    except Exception as error:
        told = short(f"{type(error).__name__}: {error}")
        raise CragruError(
            f"class {CLASS} fails: {told}",
            place=module,
            advice=f"it may use the standard library, pydantic, {ERRORS}, modules called options",
        ) from error
    options = names.get(CLASS)
    if not (isinstance(options, type) and issubclass(options, base)):
        kind = f"{base.__module__}.{base.__name__}"
        raise CragruError(f"class {CLASS} must be at the top, and a {kind}", place=module)
    return options


def _is_wanted(node: ast.stmt, module: str) -> bool:
    """Tell whether a statement defines the class, or imports what is there wherever a configuration is read."""
    match node:
        case ast.ClassDef():
            return node.name == CLASS
        case ast.ImportFrom():
            name = "." * node.level + (node.module or "")
            name = importlib.util.resolve_name(name, module.rpartition(".")[0])
        case ast.Import(names=[alias]):
            name = alias.name
        case _:
            return False
    is_ours = name in ("pydantic", ERRORS) or name.endswith(".options")
    return is_ours or name.split(".")[0] in sys.stdlib_module_names


def _source(module: str) -> str:
    """Return the text of a module; empty where there is none that is written in Python."""
    try:
        found = importlib.util.find_spec(module)
        return (found and found.loader.get_source(module)) or ""
    except ImportError:
        return ""
