"""The statements at the top of a module: what each binds, what it mentions, what it imports, and whether it acts.

Read from the syntax tree alone, for `cragru.rerun.digest`; nothing is imported or run. Where the text leaves a doubt, a
statement mentions too much rather than too little: a local variable counts as a mention of a module's name.
"""

import ast
import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

STAR = "*"
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITIONS = (*FUNCTIONS, ast.ClassDef)
IMPORTS = (ast.Import, ast.ImportFrom)
ASSIGNMENTS = (ast.Assign, ast.AnnAssign, ast.AugAssign)
# a block acts if a statement in it does
BLOCKS = (ast.If, ast.Try, ast.TryStar, ast.For, ast.While, ast.Match)
INERT = {
    "dataclass", "cache", "cached_property", "contextmanager", "functools", "contextlib", "dataclasses", "wraps",
}  # fmt: skip
"""Decorators of the standard library that leave no trace elsewhere."""

ERRORS = "cragru.core.errors"
LOGGERS = {"log", "logger", "logging"}  # names that loggers have here
LOGGED = {"debug", "info", "warning", "error", "exception", "critical", "log"}
WORD = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class Import:
    """One name of an import statement.

    Attributes:
        module: The module, absolute.
        name: What is taken out of it; None for ``import module``, ``*`` for everything.
        bound: What it is called here.
        base: The module that `bound` stands for, where it is one for certain: ``import a.b`` binds ``a``.
    """

    module: str
    name: str | None
    bound: str
    base: str | None


class Statement:
    """One statement at the top of a module; an import of several names counts as several statements."""

    def __init__(self, node: ast.stmt, package: str, silent: Mapping[str, str] = {}) -> None:
        """Take up a syntax tree, whose words for people are removed.

        Args:
            node: The statement.
            package: The package that relative imports start from.
            silent: Names in the module that come from modules which change no result, and these modules.
        """
        _strip(node, silent)
        self.node, self._package = node, package

    @cached_property
    def _nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.node))

    @cached_property
    def binds(self) -> frozenset[str]:
        """The names that it gives the module, also those that a function declares `global`."""
        names = set(_bound(self.node))
        for node in self._nodes:
            if isinstance(node, ast.Global):
                names.update(node.names)
        return frozenset(names)

    @cached_property
    def mentions(self) -> frozenset[str]:
        """The names that it may read from its module, also those that texts in it spell."""
        return frozenset(_mentioned(self._nodes))

    @cached_property
    def chains(self) -> frozenset[tuple[str, ...]]:
        """The attributes of names: ``a.b.c`` is (a, b, c)."""
        found = set()
        for node in self._nodes:
            if isinstance(node, ast.Attribute):
                found.add(_chain(node))
        return frozenset(found - {()})

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        """All that it imports, also inside functions."""
        return self._imports_of(self._nodes)

    @cached_property
    def imports_at_once(self) -> tuple[Import, ...]:
        """What it imports when the module is imported."""
        return self._imports_of(_executed(self.node))

    def _imports_of(self, nodes: Iterable[ast.AST]) -> tuple[Import, ...]:
        found: list[Import] = []
        for node in nodes:
            found += _imports(node, self._package)
        return tuple(found)

    @cached_property
    def acts(self) -> bool:
        """Whether it may do more than give the module a name."""
        return _acts(self.node)

    @cached_property
    def digest(self) -> str:
        """A hash of the syntax tree: positions, comments, docstrings and words for people are not in it."""
        return hashlib.sha256(ast.dump(self.node).encode()).hexdigest()


def read_statements(text: str, package: str, silent: Collection[str] = ()) -> list[Statement]:
    """Return the statements of a module, in their order.

    Args:
        text: The module's source.
        package: The package that relative imports start from: the module itself where it is one, else the one above.
        silent: Modules whose functions tell people something, and change no result.
    """
    tree = ast.parse(text)
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        for one in _imports(node, package):
            for module in (one.module, one.base):
                if module in silent:
                    names[one.bound] = module
    return [Statement(node, package, names) for node in _flat(tree) if not _is_text(node)]


def _flat(tree: ast.Module) -> Iterator[ast.stmt]:
    """Yield the statements of a module; an import of several names is cut into imports of one."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield ast.Import([alias])
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield ast.ImportFrom(node.module, [alias], node.level)
        else:
            yield node


def _strip(node: ast.AST, silent: Mapping[str, str]) -> None:
    """Remove what is for people alone: docstrings, and the words of errors, logs and descriptions."""
    for inner in ast.walk(node):
        body = getattr(inner, "body", None)
        if isinstance(body, list):
            inner.body = [one for one in body if not _is_text(one)] or [ast.Pass()]
        if isinstance(inner, ast.Raise) and isinstance(inner.exc, ast.Call):
            inner.exc.args, inner.exc.keywords = [], []
        elif isinstance(inner, ast.Call):
            _strip_call(inner, silent)


def _strip_call(call: ast.Call, silent: Mapping[str, str]) -> None:
    """Remove the words that a call gives to people: of an error every argument, of other calls the texts."""
    root = _first_name(call.func)
    is_log = isinstance(call.func, ast.Attribute) and call.func.attr in LOGGED and root in LOGGERS
    if is_log or silent.get(root) == ERRORS:
        call.args, call.keywords = [], []
    elif root in silent:
        call.args = [one for one in call.args if not _is_words(one)]
        call.keywords = [one for one in call.keywords if not _is_words(one.value)]
    elif root == "Field":  # of pydantic
        call.keywords = [one for one in call.keywords if one.arg != "description"]


def _first_name(node: ast.AST) -> str:
    """Return the name that an expression such as ``a.b(c).d`` begins with; empty where it begins with none."""
    while isinstance(node, ast.Attribute | ast.Call):
        node = node.value if isinstance(node, ast.Attribute) else node.func
    return node.id if isinstance(node, ast.Name) else ""


def _is_words(node: ast.AST) -> bool:
    return _is_string(node) or isinstance(node, ast.JoinedStr)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and _is_string(node.value)


def _is_string(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the parts of a statement that run with it: not the bodies of functions."""
    yield node
    for child in ast.iter_child_nodes(node):
        is_body = isinstance(node, FUNCTIONS) and child in node.body
        if not is_body:
            yield from _executed(child)


def _bound(node: ast.AST) -> Iterator[str]:
    """Yield the names that a statement binds where it stands."""
    if isinstance(node, DEFINITIONS):
        yield node.name
    elif isinstance(node, IMPORTS):
        for one in _imports(node, ""):
            yield one.bound
    elif isinstance(node, ast.Name):
        if not isinstance(node.ctx, ast.Load):
            yield node.id
    else:
        for field in ("name", "rest"):  # of `except … as`, and of patterns
            if isinstance(getattr(node, field, None), str):
                yield getattr(node, field)
        for child in ast.iter_child_nodes(node):
            yield from _bound(child)


def _mentioned(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for inner in nodes:
        if isinstance(inner, ast.Name):
            yield inner.id
        elif _is_string(inner) and inner.value.isidentifier():
            yield inner.value
        for field in ("annotation", "returns"):
            annotation = getattr(inner, field, None)
            if annotation is not None:
                yield from _words(annotation)


def _words(annotation: ast.AST) -> Iterator[str]:
    """Yield the words of texts in an annotation: they may be types, looked up later."""
    for inner in ast.walk(annotation):
        if _is_string(inner):
            yield from WORD.findall(inner.value)


def _chain(node: ast.AST) -> tuple[str, ...]:
    """Return (a, b, c) for ``a.b.c``; an empty tuple where it does not begin with a name."""
    if isinstance(node, ast.Name):
        return (node.id,)
    above = _chain(node.value) if isinstance(node, ast.Attribute) else ()
    return (*above, node.attr) if above else ()


def _imports(node: ast.AST, package: str) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            base = alias.name if alias.asname else alias.name.split(".")[0]
            yield Import(alias.name, None, alias.asname or base, base)
    elif isinstance(node, ast.ImportFrom):
        steps = package.split(".")
        above = steps[: len(steps) - node.level + 1] if node.level else []
        module = ".".join([*above, *([node.module] if node.module else [])])
        for alias in node.names:
            yield Import(module, alias.name, alias.asname or alias.name, f"{module}.{alias.name}")


def _acts(node: ast.AST) -> bool:
    """Return whether a statement does more than bind names, and so counts for whoever imports the module.

    A call in the value of an assignment may leave its trace elsewhere; this is not seen.
    """
    if isinstance(node, IMPORTS):
        return any(alias.name == STAR for alias in node.names)
    if isinstance(node, DEFINITIONS):
        has_keywords = isinstance(node, ast.ClassDef) and bool(node.keywords)  # metaclass=…
        return has_keywords or any(_first_name(one) not in INERT for one in node.decorator_list)
    if isinstance(node, ASSIGNMENTS):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return not all(map(_is_plain, targets))
    if isinstance(node, BLOCKS):
        return any(map(_acts, _inner_statements(node)))
    return not isinstance(node, ast.Pass)


def _is_plain(target: ast.AST) -> bool:
    """Return whether an assignment is to names alone, not into an object that is there already."""
    if isinstance(target, ast.Tuple | ast.List):
        return all(map(_is_plain, target.elts))
    return isinstance(target, ast.Name | ast.Starred)


def _inner_statements(block: ast.AST) -> Iterator[ast.stmt]:
    """Yield the statements of a block, its branches and its handlers."""
    for child in ast.iter_child_nodes(block):
        if isinstance(child, ast.stmt):
            yield child
        elif isinstance(child, ast.ExceptHandler | ast.match_case):
            yield from _inner_statements(child)
