"""A digest of the code behind a stage, so that an edit of the library reruns just what it touches.

Snakemake sees edits of a script, not of what it imports (and judges scripts by their mtime, which a branch switch
changes). So every rule has a parameter ``code=code_digest("scripts/x.py")``: a hash of the syntax trees of the script
and of the definitions that it reaches inside `cragru`. Comments, docstrings and formatting change nothing, nor do words
for people: the arguments of a `raise`, what is logged, and texts given to the modules that do not count. The condition
of a refusal counts: a job that was refused may run now.

Definitions, not modules: of a module that a script takes `a` and `b` from, only these two count, with whatever
module-level names they mention, there and further on. A class counts whole. What else runs when a module is imported
and does more than bind a name (a call, an assignment into something, a decorator that may register) counts for all who
import it. Where the text does not say what is used, the whole module counts: ``import module``, ``from package import
module``, ``import *``, a name that the module does not bind, `globals` and its like, and modules named at run time.

Some modules do not count at all (`LEFT_OUT`): they make logs, manifests, messages, refusals and this digest, and the
store's keys of an LLM's answers have the versions in them. What they change is never a result.
"""

import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path

from cragru.rerun.syntax import STAR, Import, Statement, read_statements

ROOT = Path(__file__).parents[2]
PACKAGE = "cragru"
NAMES_LEFT_OUT = (
    "job",
    "rerun.digest",
    "rerun.syntax",
    "core.versions",
    "core.progress",
    "core.errors",
    "core.place",
    "core.roles",
    "kept.machine",
    "kept.shapes",
    "kept.rights",
    "plugins.explained",
)
LEFT_OUT = {f"{PACKAGE}.{name}" for name in NAMES_LEFT_OUT}
AS_PLANNED = "CRAGRU_AS_PLANNED"  # the variable in which a run gives its jobs the `state` that it was planned with
REFLECTION = {
    "globals",
    "vars",
    "eval",
    "exec",
}  # a function with one reaches what it does not mention


def code_digest(script: str, *modules: str) -> dict[str, str | list[str]]:
    """Digest a script and some modules with all that they reach inside the package.

    Args:
        script: Path of the script, relative to the repository.
        *modules: Modules that the script imports by name at run time, which no reading of its text could find.

    Returns:
        ``{"roots": [...], "digest": "..."}``: the script and modules, and the hash; plain JSON, for a rule's `params`.
    """
    return {"roots": [script, *modules], "digest": _digest(ROOT, script, *modules)}


def state(root: Path = ROOT) -> str:
    """Return a hash of every module and script: where it is equal, so are all digests, at a fraction of the cost."""
    whole = hashlib.sha256()
    for folder in (PACKAGE, "scripts"):
        for path in sorted((root / folder).rglob("*.py")):
            content = path.read_bytes()
            whole.update(f"{path.relative_to(root)} {len(content)}\n".encode())
            whole.update(content)
    return whole.hexdigest()


@functools.cache
def _digest(root: Path, script: str, *modules: str) -> str:
    return _sources(root).digest(script, *modules)


@functools.cache
def _sources(root: Path) -> "Sources":
    return Sources(root)


class Sources:
    """The repository's Python files, each read once."""

    def __init__(self, root: Path) -> None:
        """Name the repository; a file is read when it is first asked for."""
        self._root = root
        self._paths: dict[str, str | None] = {}
        self._modules: dict[str, Module] = {}

    def digest(self, script: str, *modules: str) -> str:
        """Return 16 hex digits of what a script reaches; see `reached`."""
        lines = []
        for path, statements in sorted(self.reached(script, *modules).items()):
            lines += [f"{path} {statement.digest}" for statement in statements]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]

    def reached(self, script: str, *modules: str) -> dict[str, list[Statement]]:
        """Return the statements that can change what a script makes.

        Args:
            script: Its path, relative to the repository.
            *modules: Modules that it imports by name.

        Returns:
            Statements in their order, by the path of their file; a file is there also where only its import counts.
        """
        walk = _Walk(self)
        own = self.read(script, "")
        for number in range(len(own.statements)):
            walk.take(own, number)
        for name in modules:
            walk.take_whole(name)
        walk.finish()
        return {
            module.path: [module.statements[number] for number in sorted(numbers)]
            for module, numbers in walk.taken.items()
        }

    def module(self, name: str) -> "Module | None":
        """Return a module of the package; None where it is none, or does not count."""
        if name.split(".")[0] != PACKAGE or name in LEFT_OUT:
            return None
        if name not in self._paths:
            self._paths[name] = self._path(name)
        path = self._paths[name]
        return None if path is None else self.read(path, name)

    def _path(self, name: str) -> str | None:
        path = Path(*name.split("."))
        for candidate in (path.with_suffix(".py"), path / "__init__.py"):
            if (self._root / candidate).is_file():
                return candidate.as_posix()
        return None

    def read(self, path: str, name: str) -> "Module":
        """Read a file, relative to the repository, as the module of that name."""
        if path not in self._modules:
            text = (self._root / path).read_text(encoding="utf-8")
            self._modules[path] = Module(path, name, text)
        return self._modules[path]


class Module:
    """One file.

    Attributes:
        path: Relative to the repository.
        name: As it is imported.
        statements: What stands at its top.
    """

    def __init__(self, path: str, name: str, text: str) -> None:
        """Read a file's text."""
        self.path, self.name = path, name
        package = name if path.endswith("__init__.py") else name.rpartition(".")[0]
        self.statements = read_statements(text, package, LEFT_OUT)

    @functools.cached_property
    def binders(self) -> dict[str, list[int]]:
        """The numbers of the statements that bind a name, by the name."""
        found: dict[str, list[int]] = {}
        for number, statement in enumerate(self.statements):
            for name in statement.binds:
                found.setdefault(name, []).append(number)
        return found

    @functools.cached_property
    def imported(self) -> list[Import]:
        """What this module imports when it is imported."""
        return [one for statement in self.statements for one in statement.imports_at_once]

    @functools.cached_property
    def acting(self) -> list[int]:
        """The numbers of the statements that count for whoever imports the module."""
        return [number for number, statement in enumerate(self.statements) if statement.acts]


class _Walk:
    """Follow what is reached, from statement to statement.

    Attributes:
        taken: Numbers of the statements that count, by module; empty for a module that is only imported.
    """

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._waiting: list[tuple[Module, int]] = []
        self._imported: set[str] = set()
        self.taken: dict[Module, set[int]] = {}

    def finish(self) -> None:
        """Follow every statement that counts."""
        while self._waiting:
            module, number = self._waiting.pop()
            self._follow(module, module.statements[number])

    def take(self, module: Module, number: int) -> None:
        """Count a statement."""
        numbers = self.taken.setdefault(module, set())
        if number not in numbers:
            numbers.add(number)
            self._waiting.append((module, number))

    def take_whole(self, name: str) -> None:
        """Count all of a module."""
        self._run(name)
        module = self._sources.module(name)
        for number in range(len(module.statements)) if module else ():
            self.take(module, number)

    def _take_name(self, name: str, wanted: str) -> None:
        """Count what binds a name in a module: a statement, a module below it, or else the whole module."""
        self._run(name)
        module, below = self._sources.module(name), f"{name}.{wanted}"
        if self._sources.module(below):
            self.take_whole(below)
        if module is None or below in LEFT_OUT:
            return
        for number in module.binders.get(wanted, ()):
            self.take(module, number)
        if wanted not in module.binders and not self._sources.module(below):
            self.take_whole(name)

    def _run(self, name: str) -> None:
        """Count what happens when a module is imported: in the packages above it, in itself, in what it imports."""
        waiting = [name]
        while waiting:
            for step in _steps(waiting.pop()):
                module = None if step in self._imported else self._sources.module(step)
                self._imported.add(step)
                if module is None or module in self.taken:
                    continue
                self.taken[module] = set()
                for number in module.acting:
                    self.take(module, number)
                waiting += [target for one in module.imported for target in _targets(one)]

    def _follow(self, module: Module, statement: Statement) -> None:
        """Count what a statement reaches."""
        if statement.mentions & REFLECTION:
            for number in range(len(module.statements)):
                self.take(module, number)
        for name in statement.mentions:
            for number in module.binders.get(name, ()):
                self.take(module, number)
        for one in statement.imports:
            if one.name is None or one.name == STAR:
                self.take_whole(one.module)
            else:
                self._take_name(one.module, one.name)
        for chain in statement.chains:
            for base in self._bases(module, statement, chain[0]):
                self._take_chain(base, chain[1:])

    def _bases(self, module: Module, statement: Statement, name: str) -> set[str]:
        """Return the modules that a name may stand for."""
        imports = list(statement.imports)
        for number in module.binders.get(name, ()):
            imports += module.statements[number].imports
        return {one.base for one in imports if one.bound == name}

    def _take_chain(self, base: str, attributes: tuple[str, ...]) -> None:
        """Count the modules that ``package.module.…`` goes through."""
        for attribute in attributes:
            base = f"{base}.{attribute}"
            if self._sources.module(base) is None:
                return
            self.take_whole(base)


def _targets(one: Import) -> Iterator[str]:
    """Yield the modules that an import runs: ``from package import module`` may mean two."""
    yield one.module
    if one.name not in (None, STAR):
        yield f"{one.module}.{one.name}"


def _steps(module: str) -> list[str]:
    """Return the names of the packages above a module and its own, from the top."""
    parts = module.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]
