"""Which definitions a digest covers: of small packages by hand, and of the tree as it is."""

import ast
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cragru.config.base import load_yaml, parse
from cragru.config.models import Params
from cragru.rerun import digest
from cragru.rerun.digest import LEFT_OUT, Module, Sources, code_digest

REAL = Path(__file__).parents[2]
SCRIPT = "scripts/work.py"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Writes files of a package, with `cragru/__init__.py`, and gives the digest of the script `work.py`."""
    monkeypatch.setattr(digest, "ROOT", tmp_path)

    def write(script, modules):
        shutil.rmtree(tmp_path / "cragru", ignore_errors=True)
        for path, text in {"cragru/__init__.py": "", SCRIPT: script, **_paths(modules)}.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        digest._digest.cache_clear()
        digest._sources.cache_clear()
        return code_digest(SCRIPT)["digest"]

    yield write
    digest._digest.cache_clear()
    digest._sources.cache_clear()


def _paths(modules):
    """`a/b` is the module cragru.a.b; the packages above it are there too."""
    files = {}
    for name, text in modules.items():
        files |= {f"cragru/{above}/__init__.py": "" for above in Path(name).parents if above.name}
        files[f"cragru/{name}.py"] = text
    return files | {f"cragru/{name}.py": text for name, text in modules.items()}


A = "from cragru.m import a\n"
REACHED = {
    "directly": (A, "def a():\n    return 1\n", {}),
    "through a function": (A, "def a():\n    return b()\n\n\ndef b():\n    return 1\n", {}),
    "a constant": (A, "B = 1\n\n\ndef a():\n    return B\n", {}),
    "a decorator": (A, "def b(f, one=1):\n    return f\n\n\n@b\ndef a():\n    return 0\n", {}),
    "a base class": (A, "class B:\n    one = 1\n\n\nclass a(B):\n    pass\n", {}),
    "a default": (A, "B = 1\n\n\ndef a(b=B):\n    return b\n", {}),
    "an annotation": (A, "B = 1\n\n\ndef a(b: B):\n    return b\n", {}),
    "text in an annotation": (A, "class B:\n    one = 1\n\n\ndef a(b: 'list[B]'):\n    return b\n", {}),
    "text in what is returned": (A, "class B:\n    one = 1\n\n\ndef a() -> 'B | None':\n    return None\n", {}),
    "a name looked up by text": (A, "def b():\n    return 1\n\n\ndef a(it):\n    return getattr(it, 'b')\n", {}),
    "a comprehension": (A, "B = [1]\n\n\ndef a():\n    return [b for b in B]\n", {}),
    "assigned twice": (A, "a = 1\na = a + 2\n", {}),
    "added to": (A, "a = 2\na += 1\n", {}),
    "one of two targets": (A, "a, b = 1, 2\n", {}),
    "in an if": (A, "if True:\n    a = 1\nelse:\n    a = 2\n", {}),
    "in a try": (A, "try:\n    import fast as a\nexcept ImportError:\n    a = 1\n", {}),
    "in a with": (A, "with open('x') as file:\n    a = 1\n", {}),
    "in a loop": (A, "for a in (1, 2):\n    pass\n", {}),
    "by a walrus": (A, "if (a := 1) > 2:\n    pass\n", {}),
    "by global": (A, "def b():\n    global a\n    a = 1\n", {}),
    "by globals()": (A, "def a(name):\n    return globals()[name + 'x']\n\n\ndef bx():\n    return 1\n", {}),
    "of another module": (A, "from cragru.n import b\n\na = b()\n", {"n": "def b():\n    return 1\n"}),
    "imported in a function": (
        A,
        "def a():\n    from cragru.n import b\n\n    return b()\n",
        {"n": "def b():\n    return 1\n"},
    ),
    "imported for types alone": (
        A,
        "import typing\n\nif typing.TYPE_CHECKING:\n    from cragru.n import B\n\n\ndef a(b: 'B'):\n    return b\n",
        {"n": "class B:\n    one = 1\n"},
    ),
    "a relative import": (
        "from cragru.p.m import a\n",
        "",
        {"p/m": "from ..n import b\n\na = b\n", "n": "b = 1\n"},
    ),
    "under another name": (A, "from cragru.n import b as a\n", {"n": "def b():\n    return 1\n"}),
    "a method": (A, "from cragru.n import B\n\na = B().go\n", {"n": "class B:\n    def go(self):\n        return 1\n"}),
    "handed on by a package": (
        "from cragru.p import a\n",
        "",
        {"p/__init__": "from cragru.p.n import a\n", "p/n": "def a():\n    return 1\n"},
    ),
    "import module": ("import cragru.m\n", "def unused():\n    return 1\n", {}),
    "import module under a name": ("import cragru.m as m\n", "def unused():\n    return 1\n", {}),
    "from package import module": ("from cragru import m\n", "def unused():\n    return 1\n", {}),
    "import everything": ("from cragru.m import *\n", "def unused():\n    return 1\n", {}),
    "handed on with everything": (A, "from cragru.n import *\n", {"n": "def a():\n    return 1\n"}),
    "a name that is not there": ("from cragru.m import zzz\n", "def __getattr__(name):\n    return 1\n", {}),
    "an attribute of a package": (
        "import cragru.p as p\n\nprint(p.n.a)\n",
        "",
        {"p/__init__": "import cragru.p.n\n", "p/n": "a = 1\n"},
    ),
    "a full name of what another has imported": (
        "import cragru.m\n\nprint(cragru.n.a)\n",
        "",
        {"m": "from cragru.n import b\n", "n": "b = 2\na = 1\n"},
    ),
    "a call on import": (A, "a = 0\nprint(1)\n", {}),
    "an assignment into something": (A, "import os\n\na = 0\nos.environ['x'] = '1'\n", {}),
    "an assignment to an attribute": (A, "import os\n\na = 0\nos.sep = 1\n", {}),
    "what registers itself": (
        A,
        "from cragru.n import register\n\na = 0\n\n\n@register\ndef b():\n    return 1\n",
        {"n": "def register(f):\n    return f\n"},
    ),
    "a metaclass": (A, "a = 0\n\n\nclass B(metaclass=type):\n    one = 1\n", {}),
    "a call on import, two modules away": (
        A,
        "from cragru.n import b\n\na = 0\n",
        {"n": "import cragru.o\n", "o": "print(1)\n"},
    ),
    "a call on import of a package": ("from cragru.p.m import a\n", "", {"p/__init__": "print(1)\n", "p/m": "a = 0\n"}),
    "a call in a block": (A, "a = 0\nif a:\n    print(1)\n", {}),
    "what a call on import uses": (A, "a = 0\n\n\ndef b():\n    return 1\n\n\nb()\n", {}),
}  # fmt: skip


@pytest.mark.parametrize("case", REACHED)
def test_what_is_reached_counts(package, case):
    script, text, others = REACHED[case]
    files = {"m": text, **others}
    places = [name for name, content in files.items() if "1" in content]
    assert len(places) == 1, "the one place that is changed"
    before = package(script, files)
    assert package(script, files | {places[0]: files[places[0]].replace("1", "9", 1)}) != before


UNREACHED = {
    "a function": (A, "a = 0\n\n\ndef b():\n    return 1\n", {}),
    "a class": (A, "a = 0\n\n\nclass B(dict):\n    one = 1\n", {}),
    "a dataclass": (A, "import dataclasses\n\na = 0\n\n\n@dataclasses.dataclass\nclass B:\n    one = 1\n", {}),
    "a cached function": (A, "import functools\n\na = 0\n\n\n@functools.cache\ndef b():\n    return 1\n", {}),
    "a constant": (A, "a = 0\nB = 1\n", {}),
    "what uses it": (A, "a = 0\n\n\ndef b():\n    return a + 1\n", {}),
    "of another module": (A, "from cragru.n import b\n\na = 0\n", {"n": "def b():\n    return 1\n"}),
    "beside what is used there": (A, "from cragru.n import b\n\na = b\n", {"n": "b = 0\nc = 1\n"}),
    "imported in a function": (A, "a = 0\n\n\ndef c():\n    import cragru.n\n", {"n": "print(1)\n"}),
    "a module that nobody imports": (A, "a = 0\n", {"n": "print(1)\n"}),
    "beside what a package hands on": (
        "from cragru.p import a\n",
        "",
        {"p/__init__": "from cragru.p.n import a, b\n", "p/n": "a = 0\n\n\ndef b():\n    return 1\n"},
    ),
    "a block that only binds": (A, "a = 0\nif a:\n    b = 1\n", {}),
    "text that describes": (A, "a = 0\n'''Is 1.'''\n", {}),
    "text of a class": (A, "class a:\n    b = 0\n    '''Is 1.'''\n", {}),
}  # fmt: skip


@pytest.mark.parametrize("case", UNREACHED)
def test_what_is_not_reached_does_not(package, case):
    script, text, others = UNREACHED[case]
    files = {"m": text, **others}
    places = [name for name, content in files.items() if "1" in content]
    assert len(places) == 1, "the one place that is changed"
    before = package(script, files)
    assert package(script, files | {places[0]: files[places[0]].replace("1", "9", 1)}) == before


def test_what_comes_or_goes_without_being_used_does_not_count(package):
    before = package(A, {"m": "a = 0\n\n\ndef b():\n    return a\n"})
    assert (
        package(
            A,
            {"m": "from cragru.n import c\n\na = 0\n\n\ndef d():\n    return a\n", "n": "c = 2\n"},
        )
        == before
    )


def test_a_name_that_is_bound_anew_counts(package):
    before = package(A, {"m": "def a():\n    return len([])\n"})
    assert (
        package(A, {"m": "def a():\n    return len([])\n\n\ndef len(it):\n    return 3\n"})
        != before
    )


def test_the_order_of_what_is_reached_counts(package):
    before = package(A, {"m": "a = 0\na = 1\n"})
    assert package(A, {"m": "a = 1\na = 0\n"}) != before


# --- the tree as it is


def _plugins():
    """Modules that the rules name at run time, by script."""
    params = parse(Params, load_yaml(REAL / "config/params.yaml"), "params.yaml")
    kinds = {
        kind: tuple(sorted({entry.module for entry in entries.values()}))
        for kind, entries in params
        if kind != "overrides"
    }
    backbones, methods, strategies = kinds["backbones"], kinds["methods"], kinds["strategies"]
    return {
        "scripts/train_original.py": backbones,
        "scripts/train_shards.py": backbones,
        "scripts/unlearn.py": (*backbones, *methods),
        "scripts/search_damping.py": (*backbones, *methods),
        "scripts/partition.py": kinds["partitions"],
        "scripts/fit_strategy.py": strategies,
        "scripts/select_histories.py": strategies,
        "scripts/prepare_requester.py": strategies,
    }


SCRIPTS = sorted(path.relative_to(REAL).as_posix() for path in (REAL / "scripts").glob("*.py"))
PLUGINS = _plugins()
SILENT_STAGE = "def stage(job, work):\n    pass\n"


def _prune(sources, script, root):
    """Write a tree with nothing in it but what a script's digest covers, and what no digest does."""
    for path, statements in sources.reached(script, *PLUGINS.get(script, ())).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("".join(f"{ast.unparse(one.node)}\n" for one in statements))
    for name in sorted(LEFT_OUT):
        path = Path(*name.split(".")).with_suffix(".py")
        if name not in ("cragru.job", "cragru.rerun.digest", "cragru.rerun.syntax"):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(REAL / path, root / path)
    (root / "cragru/job.py").write_text(SILENT_STAGE)  # the real one needs what only manifests need


IMPORT_ALL = """
import importlib, os, runpy, sys
from pathlib import Path
import matplotlib.pyplot, pandas, pydantic, safetensors.torch, scipy.sparse, scipy.stats, tokenizers, torch
failed = []
for tree in map(Path, sys.argv[1:]):
    child = os.fork()
    if child == 0:
        sys.path.insert(0, str(tree))
        for path in sorted((tree / "cragru").rglob("*.py")):
            name = ".".join(path.relative_to(tree).with_suffix("").parts).removesuffix(".__init__")
            module = importlib.import_module(name)
            assert Path(module.__file__).is_relative_to(tree)
        (script,) = (tree / "scripts").glob("*.py")
        runpy.run_path(str(script), run_name="pruned")
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        failed.append(tree.name)
sys.exit(f"cannot be imported: {failed}" if failed else 0)
"""


@pytest.fixture(scope="module")
def pruned(tmp_path_factory):
    """For every script a tree of what its digest covers."""
    folder, sources = tmp_path_factory.mktemp("pruned"), Sources(REAL)
    for script in SCRIPTS:
        _prune(sources, script, folder / Path(script).stem)
    return folder


def test_what_a_digest_covers_is_enough_to_import(pruned):
    trees = sorted(str(path) for path in pruned.iterdir())
    assert len(trees) == len(SCRIPTS) > 30
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-P", "-c", IMPORT_ALL, *trees]
    done = subprocess.run(
        command, cwd=pruned, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_what_a_digest_covers_lacks_no_name(pruned):
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--isolated",
        "--no-cache",
        "--select",
        "F821",
    ]
    command += ["--config", 'builtins=["snakemake"]', str(pruned)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


def test_what_a_digest_covers_lacks_no_import(pruned):
    """Also of what is imported by functions, when they run."""
    for tree in sorted(pruned.iterdir()):
        sources = Sources(tree)
        for path in tree.rglob("*.py"):
            name = ".".join(path.relative_to(tree).with_suffix("").parts).removesuffix(".__init__")
            module = sources.module(name)
            for one in (
                (one for statement in module.statements for one in statement.imports)
                if module
                else ()
            ):
                target = sources.module(one.module)
                if target is not None and one.name is not None:
                    known = (
                        one.name in target.binders
                        or sources.module(f"{one.module}.{one.name}") is not None
                    )
                    assert known or f"{one.module}.{one.name}" in LEFT_OUT, (tree.name, name, one)


def test_less_than_whole_modules_counts(pruned):
    """The digest of a training has nothing of what serves requests, nor of what a table says."""
    assert not (pruned / "train_original" / "cragru/unlearning").exists()
    of_shards = (pruned / "train_shards" / "cragru/unlearning/base.py").read_text()
    assert "class Context" in of_shards
    assert "class Cost" not in of_shards


class Edited(Sources):
    """The tree with one file edited; the others are taken from sources that were read before."""

    def __init__(self, sources, path, name, text):
        super().__init__(REAL)
        self.others, self.edited = sources, Module(path, name, text)

    def read(self, path, name):
        return self.edited if path == self.edited.path else self.others.read(path, name)


def _texts(statements, number):
    """A module's text, as it is and with a definition or an assignment edited; None for any other statement."""
    nodes = [ast.parse(ast.unparse(one.node)).body[0] for one in statements]
    whole = "\n".join(map(ast.unparse, nodes))
    node = nodes[number]
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        node.body += ast.parse("print('edited')").body
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        node.value = ast.parse("['edited']").body[0].value
    else:
        return whole, None
    return whole, "\n".join(map(ast.unparse, nodes))


def test_an_edit_of_anything_that_is_reached_changes_the_digest():
    """Of every script some definitions, and none that is not reached."""
    draw, sources = random.Random(12), Sources(REAL)
    counts = {True: 0, False: 0}
    for script in SCRIPTS:
        modules = PLUGINS.get(script, ())
        reached = sources.reached(script, *modules)
        for path in draw.sample(sorted(reached), min(8, len(reached))):
            name = (
                ""
                if path == script
                else ".".join(Path(path).with_suffix("").parts).removesuffix(".__init__")
            )
            statements = sources.read(path, name).statements
            for number in draw.sample(range(len(statements)), min(2, len(statements))):
                same, edited = _texts(statements, number)
                if edited is None:
                    continue
                before, after = (
                    Edited(sources, path, name, text).digest(script, *modules)
                    for text in (same, edited)
                )
                changed = before != after
                assert changed == (statements[number] in reached[path]), (
                    script,
                    path,
                    statements[number].binds,
                )
                counts[changed] += 1
    assert min(counts.values()) > 40


def test_no_module_hides_what_it_reaches():
    """What no reading of the text can follow must not come into the library unnoticed."""
    for path in sorted((REAL / "cragru").rglob("*.py")):
        tree = ast.parse(path.read_text())
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        definitions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        of_module = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert names.isdisjoint({"globals", "eval", "__import__"}), path
        assert definitions.isdisjoint({"__init_subclass__", "__set_name__"}), path
        assert "__getattr__" not in of_module, path
