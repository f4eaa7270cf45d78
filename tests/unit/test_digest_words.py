"""Words for people rerun nothing: of every module all words are changed at once, and no digest changes."""

import ast
import shutil
from pathlib import Path

import pytest
from test_digest_definitions import PLUGINS

from cragru.rerun.digest import LEFT_OUT, Sources
from tests.rewording import is_text, reword

ROOT = Path(__file__).parents[2]
CONTENT = {  # words that are a job's result: files hold them, or a model reads them
    "cragru/audit": "certificates, and what the audit and a purge say",
    "cragru/core/guarantees.py": "the names of guarantees, in certificates",
    "cragru/llm/prompts.py": "prompts",
    "cragru/backbones/graph.py": "a warning of torch that is left out",
    "cragru/kept/manifest.py": "how a file differs from its manifest, which the audit says",
    "cragru/data/recbole_ml_100k.py": "headers of files, and a title that is mended",
    "cragru/llm/vllm_engine.py": "a prompt that tries the engine",
    "cragru/reporting": "tables and figures",
}


LOADERS = ("movielens_100k", "movielens_1m", "recbole_ml_100k")
FORMS = tuple(f"cragru.llm.forms.{name}" for name in ("listwise", "likelihood", "labels"))
ENGINES = tuple(
    f"cragru.llm.{name}" for name in ("server", "vllm_engine", "label_engine", "packed_engine")
)
MAKERS = sorted(path.stem for path in (ROOT / "cragru/reporting").glob("*_*.py"))
NAMED = PLUGINS | {  # modules that scripts import by name, by script
    "scripts/prepare.py": tuple(f"cragru.data.{name}" for name in LOADERS),
    "scripts/build_prompts.py": FORMS,
    "scripts/collect_scores.py": FORMS,
    "scripts/check_prompts.py": FORMS,
    "scripts/score_prompts.py": (*FORMS, *ENGINES),
    "scripts/table.py": tuple(f"cragru.reporting.{name}" for name in MAKERS),
}
SCRIPTS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "scripts").glob("*.py"))


def digests(root):
    """The digest of every script."""
    sources = Sources(root)
    return {name: sources.digest(name, *NAMED.get(name, ())) for name in SCRIPTS}


def test_another_wording_changes_no_digest(tmp_path):
    """All modules at once; where this fails, the sentences of the test below name the place."""
    for folder in ("cragru", "scripts"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    assert reword(tmp_path) > 2000
    assert digests(tmp_path) == digests(ROOT)


def test_no_other_sentence_counts():
    """What a digest covers of texts with three words is content, and content stands in known places."""
    sources, found = Sources(ROOT), set()
    for name in SCRIPTS:
        for file, statements in sources.reached(name, *NAMED.get(name, ())).items():
            if not any(Path(file).is_relative_to(content) for content in CONTENT):
                found |= {(file, text) for one in statements for text in sentences(one.node)}
    assert not found


def sentences(node):
    """Texts of three words and more."""
    for inner in ast.walk(node):
        if is_text(inner) and len(inner.value.split()) > 2:
            yield inner.value


REFUSAL = """
from cragru.core.errors import CragruError


def work(count):
    if count > {most}:
        raise CragruError("{what}", got=count)
    return count
"""


@pytest.mark.parametrize(
    ("other", "counts"),
    [
        ({"what": "more than there are"}, False),
        ({"most": 2}, True),
        ({"what": "x", "most": 2}, True),
    ],
)
def test_a_refusal_that_becomes_stricter_counts(tmp_path, other, counts):
    before = written(tmp_path / "before", REFUSAL.format(most=1, what="too many"))
    after = written(tmp_path / "after", REFUSAL.format(**{"most": 1, "what": "too many"} | other))
    assert (before != after) is counts


@pytest.mark.parametrize(
    ("line", "other", "counts"),
    [
        ("log.info('one of %d', n)", "log.info('%d done', n + 0)", False),
        (
            "found.append(Problem('a b', got=n))",
            "found.append(Problem('c', got=n, advice='d'))",
            False,
        ),
        ("found.append(Problem('a', got=n))", "found.append(Problem('a', got=n + 1))", False),
        (
            "found.append(Problem('a', advice=AGAIN))",
            "found.append(Problem('a', advice=ONCE))",
            False,
        ),
        ("if n: raise Problem('a')", "if n > 1: raise Problem('a')", True),
        ("n = Field(n, description='a b')", "n = Field(n, description='c')", False),
        ("n = Field(n, gt=1)", "n = Field(n, gt=2)", True),
        ("n = other(n, 'a b')", "n = other(n, 'c')", True),
        ("n = np.log(n)", "n = np.log(n + 1)", True),
    ],
)
def test_what_counts_of_a_line(tmp_path, line, other, counts):
    text = "from cragru.core.errors import Problem\n\n\ndef work(n):\n    {line}\n    return n\n"
    before, after = (
        written(tmp_path / name, text.format(line=one)) for name, one in (("a", line), ("b", other))
    )
    assert (before != after) is counts


def written(root, text):
    """The digest of a script that calls `work` of this text."""
    for path, content in {
        "cragru/__init__.py": "",
        "cragru/m.py": text,
        "scripts/x.py": "from cragru.m import work\n\nwork(1)\n",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    return Sources(root).digest("scripts/x.py")


def test_what_does_not_count_is_there():
    missing = [
        name for name in LEFT_OUT if not Path(ROOT, *name.split(".")).with_suffix(".py").is_file()
    ]
    assert not missing
