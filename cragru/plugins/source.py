"""What a plug-in's module offers, read from its source: the module is not imported.

Snakemake reads the configuration wherever a job starts, also where neither torch nor scipy is installed.
"""

import ast
import functools
import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from cragru.core.errors import CragruError, nearest
from cragru.plugins.options import BaseOptions

CLASS = "Options"
LIGHT = "the standard library, pydantic and modules called options"  # what the class may use of other modules


def modules_of(package: str) -> list[str]:
    """The modules of a package of plug-ins, helpers among them."""
    return [
        f"{package}.{found.name}"
        for found in pkgutil.iter_modules(importlib.import_module(package).__path__)
    ]


def names_in(module: str) -> set[str] | None:
    """What a module defines or imports at its top; None where there is no such module.

    Raises:
        CragruError: If it is not Python.
    """
    tree = _parse(module)
    return None if tree is None else _defined(tree) | _imported(tree, module).keys()


def lacking(module: str, functions: Iterable[str]) -> str | None:
    """What a module has not that a plug-in of its kind offers, in words; None where it has all.

    Args:
        module: Its full name; only a module of the repository counts, for a digest follows nothing else.
        functions: Names of what it must define or import at its top.
    """
    names = names_in(module) if module.startswith("cragru.") else None
    if names is None:
        return "is no module of cragru"
    missing = [name for name in functions if name not in names]
    return f"has no function {' and no function '.join(missing)}" if missing else None


def check_plugin(
    module: str, functions: Iterable[str], package: str, but: Collection[str] = ()
) -> None:
    """Check that a module offers what plug-ins of its kind do.

    Args:
        module: Its full name.
        functions: Names of what it must offer.
        package: Where modules of the kind are, for the message.
        but: Modules with these functions that are none of the kind.

    Raises:
        CragruError: If it lacks one; the message has the nearest module that does not.
    """
    functions = tuple(functions)
    problem = "is no plug-in itself" if module in but else lacking(module, functions)
    if problem:
        offering = [name for name in modules_of(package) if not lacking(name, functions)]
        known = [name for name in offering if name not in but]
        raise CragruError(f"got {module!r}, which {problem} ({nearest(module, known)})")


def plugin_of(
    package: str, *functions: str, but: Collection[str] = ()
) -> Callable[[str | None], str | None]:
    """A validator of fields that name a module of a kind; None, where a field allows it, stands for the default.

    Args:
        package: As for `check_plugin`, with the following.
        *functions: What a module of the kind offers.
        but: Modules that offer the same and are none.
    """

    def check(module: str | None) -> str | None:
        if module is not None:
            try:
                check_plugin(module, functions, package, but)
            except CragruError as error:
                raise ValueError(str(error)) from error
        return module

    return check


@functools.cache
def options_of(module: str) -> type[BaseOptions] | None:
    """A module's class ``Options``, made from its source without importing it; None where it has none.

    Names that the class uses are imported where they come from something light: `LIGHT`.

    Raises:
        CragruError: If there is no such module, it uses another name, or the class cannot be made.
    """
    tree = _parse(module)
    if tree is None:
        raise CragruError(f"{module}: no such module")
    found = [
        node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == CLASS
    ]
    if not found and CLASS not in names_in(module):
        return None
    if len(found) != 1 or found[0] not in tree.body:
        raise CragruError(
            f"{module}: {CLASS} is not one class at the top of the module; define it there, once"
        )
    node = found[0]
    names = {"__name__": module} | _names_of(node, tree, module)
    try:
        exec(compile(ast.Module([node], []), module, "exec"), names)
    except Exception as error:
        why = " ".join(str(error).split())
        raise CragruError(
            f"{module}: class {CLASS} cannot be made: {type(error).__name__}: {why}; mend it"
        ) from error
    options = names[CLASS]
    if not issubclass(options, BaseOptions):
        raise CragruError(
            f"{module}: class {CLASS} derives from no {BaseOptions.__module__}.BaseOptions; derive it"
        )
    return options


def _names_of(node: ast.ClassDef, tree: ast.Module, module: str) -> dict[str, object]:
    """What the class uses of the module's imports."""
    imported, defined = _imported(tree, module), _defined(tree)
    loaded = [
        name
        for name in ast.walk(node)
        if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Load)
    ]
    used = {name.id for name in loaded}
    names = {}
    for name in sorted(used & (imported.keys() | defined)):
        source, attribute = imported.get(name, (module, name))
        if not _is_light(source) or source == module:
            raise CragruError(
                f"{module}: class {CLASS} uses {name!r} of {source}; it may use {LIGHT}: move it to one"
            )
        try:
            light = importlib.import_module(source)
            names[name] = getattr(light, attribute) if attribute else light
        except (ImportError, AttributeError) as error:
            raise CragruError(
                f"{module}: class {CLASS} uses {name!r}, which {source} has not; mend it"
            ) from error
    return names


def _is_light(module: str) -> bool:
    """Whether a module may be imported wherever a configuration is read: see `LIGHT`."""
    steps = module.split(".")
    return steps[0] in sys.stdlib_module_names or steps[0] == "pydantic" or steps[-1] == "options"


def _imported(tree: ast.Module, module: str) -> dict[str, tuple[str, str | None]]:
    """The module's imports: by name the module it comes from and what it is called there, None for that itself."""
    package = module.rpartition(".")[0]
    found: dict[str, tuple[str, str | None]] = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            source = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            found |= {alias.asname or alias.name: (source, alias.name) for alias in node.names}
        elif isinstance(node, ast.Import):
            for alias in node.names:
                source = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )  # `import a.b` binds a
                found[alias.asname or source] = (source, None)
    return found


def _defined(tree: ast.Module) -> set[str]:
    """Functions, classes and values that a module defines at its top."""
    found = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {
                name.id
                for target in targets
                for name in ast.walk(target)
                if isinstance(name, ast.Name)
            }
    return found


@functools.cache
def _parse(module: str) -> ast.Module | None:
    """The syntax tree of a module; None where there is none that is written in Python."""
    try:
        found = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    if found is None or not found.has_location or not str(found.origin).endswith(".py"):
        return None
    try:
        return ast.parse(Path(found.origin).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, SyntaxError) as error:
        raise CragruError(f"{module}: not readable as Python: {error}") from error
