"""A digest of the code behind a stage, so that an edit of the library reruns just what it touches.

Snakemake sees edits of a script, not of what it imports (and judges scripts by their mtime, which a branch switch
changes). So every rule has a parameter ``code=code_digest("scripts/x.py")``: a hash of the syntax trees of the script
and of everything that it imports inside `cragru`, directly or not. Comments, docstrings and formatting change nothing.
"""

import ast
import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = "cragru"


def code_digest(script: str, *modules: str) -> dict[str, str | list[str]]:
    """Digest a script and some modules with all they import inside the package.

    Args:
        script: Path of the script, relative to the repository.
        *modules: Modules that the script imports by name at run time, which no reading of its text could find.

    Returns:
        ``{"roots": [...], "digest": "..."}``: what was asked for, and the hash; plain JSON, for a rule's `params`.
    """
    names = {step for module in modules for step in _steps(module)}
    tree = ast.parse((ROOT / script).read_text(encoding="utf-8"))
    names.update(_imports(tree, ""))
    files = sorted(functools.reduce(set.union, (_closure(name) for name in names), set()))
    lines = [f"{name} {_file_digest(name)}" for name in files]
    lines.append(f"{script} {_tree_digest(tree)}")
    return {"roots": [script, *modules], "digest": hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]}


@functools.cache
def _closure(module: str) -> frozenset[str]:
    """Files of a module, of the packages above it, and of all they import, relative to the repository."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = _file_of(name)
        if path is None or path in found:
            continue
        found.add(path)
        package = name if path.endswith("__init__.py") else name.rpartition(".")[0]
        waiting += _imports(_parse(path), package)
    return frozenset(found)


def _imports(tree: ast.AST, package: str) -> Iterator[str]:
    """Modules of the package that a syntax tree imports, with the packages above each."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]  # `from pkg import module` means both
        else:
            continue
        for name in names:
            if name.split(".")[0] == PACKAGE:
                yield from _steps(name)


def _steps(module: str) -> list[str]:
    """A module's name and those of the packages above it, from the top."""
    parts = module.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]


def _file_of(module: str) -> str | None:
    path = Path(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if (ROOT / candidate).is_file():
            return candidate.as_posix()
    return None


@functools.cache
def _parse(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


@functools.cache
def _file_digest(path: str) -> str:
    return _tree_digest(_parse(path))


def _tree_digest(tree: ast.Module) -> str:
    """Hash a syntax tree without positions and docstrings."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_docstring(body[0]):
            node.body = body[1:] or [ast.Pass()]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
