"""docs/architecture.md says which code may import which; here it is held to that."""

import ast
import re

from configuration import ROOT

PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")


def floors():
    """The number of the floor of each package and module that the page names."""
    rows = re.findall(r"^\| (\d+) \| (.+?) \|", PAGE, re.MULTILINE)
    return {
        name: int(number)
        for number, names in rows
        for name in re.findall(r"`(cragru\.\w+)`", names)
    }


def of_module(name):
    """The part of the library that a module is in: a room, or a module that stands alone."""
    return ".".join(name.split(".")[:2])


def modules():
    """Names and paths of all modules."""
    for path in sorted((ROOT / "cragru").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        yield name.removesuffix(".__init__"), path


def imported(path):
    """What a module imports of the library, where it is run: not what is imported for types alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for_types.update(ast.walk(node))
    for node in ast.walk(tree):
        if node in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def arrows():
    """From which part of the library to which other, and in which module."""
    for name, path in modules():
        for target in imported(path):
            if target.startswith("cragru.") and of_module(target) != of_module(name):
                yield of_module(name), of_module(target), name


def test_every_room_has_a_floor():
    known = floors()
    assert {of_module(name) for name, _ in modules() if "." in name} == set(known)


def test_imports_go_down():
    known = floors()
    found = list(arrows())
    assert len(found) > 100
    up = [arrow for arrow in found if known[arrow[0]] < known[arrow[1]]]
    assert not up


def test_neighbours_on_a_floor_do_not_import_one_another():
    known = floors()
    beside = [arrow for arrow in arrows() if known[arrow[0]] == known[arrow[1]]]
    assert not beside


def test_the_core_imports_nothing():
    assert not [arrow for arrow in arrows() if arrow[0] == "cragru.core"]
