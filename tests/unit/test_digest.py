import shutil
from pathlib import Path

import pytest

from cragru.rerun import digest
from cragru.rerun.digest import code_digest

REAL = Path(__file__).parents[2]
MINIATURE = {
    "cragru/__init__.py": '"""The package."""\n',
    "cragru/leaf.py": "def leaf():\n    return 1\n",
    "cragru/circle.py": "from cragru import circle\nimport cragru.alone\n",
    "cragru/alone.py": "import cragru.circle\nimport numpy\n",
    "cragru/late.py": "def late():\n    from cragru.pkg import module\n\n    return module.VALUE\n",
    "cragru/plugin.py": "from cragru.leaf import leaf\n",
    "cragru/pkg/__init__.py": "",
    "cragru/pkg/module.py": "VALUE = 1\n",
    "cragru/pkg/above.py": "from ..leaf import leaf\n",
    "cragru/pkg/sibling.py": "from . import above\n",
    "scripts/relative.py": "from cragru.pkg.sibling import above\n",
    "scripts/late.py": "import cragru.late as late\n",
    "scripts/module.py": "from cragru.pkg import module\n",
    "scripts/circle.py": "import cragru.circle\n",
    "scripts/by_name.py": "import importlib\n",
}
SCRIPTS = sorted(path for path in MINIATURE if path.startswith("scripts/"))
BY_NAME = {"scripts/by_name.py": ("cragru.plugin",)}


def clear():
    for function in (digest._digest, digest._sources):
        function.cache_clear()


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setattr(digest, "ROOT", tmp_path)
    clear()
    yield tmp_path
    clear()


@pytest.fixture
def miniature(root):
    for path, text in MINIATURE.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def digests(scripts=SCRIPTS, modules=BY_NAME):
    clear()
    return {script: code_digest(script, *modules.get(script, ()))["digest"] for script in scripts}


def changed_by(root, path, edit, **which):
    """The scripts whose digest an edit of a file changes."""
    before = digests(**which)
    text = (root / path).read_text()
    (root / path).write_text(edit(text))
    after = digests(**which)
    (root / path).write_text(text)
    return {Path(script).stem for script in before if before[script] != after[script]}


def add_statement(text):
    """What runs on import counts for whoever imports the module."""
    return f"{text}\nprint('edited')\n"


REACHED = {
    "cragru/__init__.py": {"relative", "late", "module", "circle", "by_name"},
    "cragru/leaf.py": {"relative", "by_name"},
    "cragru/circle.py": {"circle"},
    "cragru/alone.py": {"circle"},
    "cragru/late.py": {"late"},
    "cragru/plugin.py": {"by_name"},
    "cragru/pkg/__init__.py": {"relative", "late", "module"},
    "cragru/pkg/module.py": {"late", "module"},
    "cragru/pkg/above.py": {"relative"},
    "cragru/pkg/sibling.py": {"relative"},
    **{script: {Path(script).stem} for script in SCRIPTS},
}


@pytest.mark.parametrize("path", MINIATURE)
def test_edit_changes_the_scripts_that_reach_it_and_no_other(miniature, path):
    assert changed_by(miniature, path, add_statement) == REACHED[path]


def test_a_module_counts_only_where_it_is_named(miniature):
    assert changed_by(miniature, "cragru/plugin.py", add_statement, modules={}) == set()


def test_a_file_that_appears_or_goes_counts(miniature):
    before = digests()
    shutil.move(miniature / "cragru/leaf.py", miniature / "cragru/moved.py")
    changed = {script for script, value in digests().items() if value != before[script]}
    assert changed == {"scripts/relative.py", "scripts/by_name.py"}


PLAIN = "def work(a, b):\n    if a:\n        return b\n    return [1, 2]\n\n\nclass Thing:\n    size = 1\n"
SAME = {
    "comments": "# a comment\n" + PLAIN.replace("[1, 2]", "[1, 2]  # two"),
    "docstrings": '"""Module."""\n'
    + PLAIN.replace("    if a:", '    """Work."""\n    if a:').replace(
        "    size", '    """Thing."""\n    size'
    ),
    "formatting": "def work(a,b):\n  if a: return b\n  return [\n    1,\n    2,\n  ]\nclass Thing: size=(1)",
}
OTHER = {
    "constant": PLAIN.replace("2", "3"),
    "name": PLAIN.replace("size", "sizes"),
    "order": PLAIN.replace("a, b", "b, a"),
    "text that is used": PLAIN.replace("size = 1", 'size = "Thing."'),
}


USING = {"cragru/leaf.py": "\n\ndef leaf():\n    return work, Thing\n", "scripts/relative.py": "\n"}


@pytest.mark.parametrize("path", USING)
def test_comments_docstrings_and_formatting_do_not_count(miniature, path):
    rest = USING[path] + MINIATURE["scripts/relative.py"] * path.startswith("scripts")
    (miniature / path).write_text(PLAIN + rest)
    for text in SAME.values():
        assert changed_by(miniature, path, lambda _, text=text: text + rest) == set()
    for text in OTHER.values():
        assert changed_by(miniature, path, lambda _, text=text: text + rest) == REACHED[path]


def test_changed_docstring_does_not_count(miniature):
    assert changed_by(miniature, "cragru/__init__.py", lambda _: '"""Another."""\n') == set()


def test_same_tree_elsewhere_gives_the_same(miniature, monkeypatch):
    first = digests()
    elsewhere = miniature / "elsewhere"
    for part in ("scripts", "cragru"):
        shutil.copytree(miniature / part, elsewhere / part)
    monkeypatch.setattr(digest, "ROOT", elsewhere)
    assert digests() == first
    assert len(set(first.values())) == len(SCRIPTS)


def test_what_a_rule_gets(miniature):
    got = code_digest("scripts/by_name.py", "cragru.plugin", "cragru.leaf")
    assert got["roots"] == ["scripts/by_name.py", "cragru.plugin", "cragru.leaf"]
    assert len(got["digest"]) == 16
    assert set(got["digest"]) <= set("0123456789abcdef")


# --- the tree as it is


@pytest.fixture
def tree(root):
    for part in ("scripts", "cragru"):
        shutil.copytree(REAL / part, root / part, ignore=shutil.ignore_patterns("__pycache__"))
    return root


def real_reach(tree, *paths):
    """The scripts that an edit of files of the real tree changes, with backbones and methods as rules name them."""
    backbones = ("cragru.backbones.bpr", "cragru.backbones.lightgcn")
    modules = {
        "scripts/train_original.py": backbones,
        "scripts/unlearn.py": (*backbones, "cragru.unlearning.retrain"),
    }
    scripts = sorted(path.relative_to(tree).as_posix() for path in (tree / "scripts").glob("*.py"))
    assert set(modules) < set(scripts)
    before = digests(scripts, modules)
    for path in paths:
        path.write_text(add_statement(path.read_text()))
    after = digests(scripts, modules)
    return {Path(script).stem for script in scripts if before[script] != after[script]}


def test_tables_do_not_depend_on_backbones(tree):
    reach = real_reach(tree, *sorted((tree / "cragru/backbones").glob("*.py")))
    assert {"train_original", "unlearn", "evaluate"} <= reach
    assert reach.isdisjoint({"utility_table", "datasets_table", "download", "prepare", "split"})


def test_retrain_reaches_unlearning_only(tree):
    assert real_reach(tree, tree / "cragru/unlearning/retrain.py") == {"unlearn"}


def test_what_makes_logs_manifests_and_messages_does_not_count(tree):
    names = ("job", "rerun.digest", "rerun.syntax", "core.versions", "core.progress", "core.errors")
    assert (
        real_reach(tree, *(tree / f"cragru/{name.replace('.', '/')}.py" for name in names)) == set()
    )
