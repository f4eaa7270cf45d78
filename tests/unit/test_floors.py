"""docs/architecture.md says which code may import which; here it is held to that."""

import ast
import graphlib
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


def imported(path, with_types=False):
    """What a module imports of the library where it is run; with types, also what it imports for them alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for_types.update(ast.walk(node))
    for node in ast.walk(tree):
        if node in for_types and not with_types:
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


def test_no_modules_import_one_another_in_a_circle():
    """Not even for types: what goes round can neither be read nor changed one module at a time."""
    known = dict(modules())
    arrows_of = {}
    for name, path in known.items():
        targets = {module_of(target, known) for target in imported(path, with_types=True)}
        arrows_of[name] = targets - {None, name}
    assert sum(map(len, arrows_of.values())) > 300
    graphlib.TopologicalSorter(arrows_of).prepare()  # CycleError names the circle


def module_of(target, known):
    """The module that an import is of: what is imported may be a name that stands in it."""
    while target and target not in known:
        target = target.rpartition(".")[0]
    return target or None
