"""The conda environments: each rule names one, and it holds all that the rule's scripts import as they start."""

import ast
import re
import sys
from functools import cache
from importlib.metadata import packages_distributions

import pytest
import yaml
from configuration import ROOT

from cragru.config.base import load_yaml
from cragru.core.names import FORMS
from cragru.llm.forms import form_module
from cragru.plan.scoring import ENGINES

RULES = ROOT / "workflow/rules"
PROVIDERS = packages_distributions()
# Snakemake lends a script its own package
LENT = {"snakemake"}


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def rules():
    """Yield the name, environment, script and text of each rule that has a script, `use rule` included."""
    known = {}
    blocks = []
    for path in sorted(RULES.glob("*.smk")):
        blocks += re.split(r"^(?=rule |use rule )", path.read_text(), flags=re.MULTILINE)[1:]
    while blocks:
        block = blocks.pop(0)
        named = re.match(r"(?:rule|use rule (\w+) as) (\w+)", block)
        base, name = named.groups()
        if base and base not in known:
            blocks.append(block)  # its file comes later
            continue
        inherited = known.get(base, {})
        found = {
            "conda": re.search(r'conda:\n\s+"../../(\S+)"', block),
            "script": re.search(r'script:\n\s+"../../(\S+)"', block),
            "code": re.search(r"code=(.+)", block),
        }
        known[name] = {
            key: match[1] if match else inherited.get(key) for key, match in found.items()
        }
    return {name: facts for name, facts in known.items() if facts["script"]}


def shipped(name):
    return load_yaml(ROOT / f"config/{name}.yaml")


def plugged(code):
    """Return the modules that a rule's script imports by name, after what the rule digests."""
    params, llms = shipped("params"), shipped("llms")
    modules = {kind: [one["module"] for one in params[kind].values()] for kind in params}
    loaders = {
        source["module"]
        for entry in shipped("datasets")["datasets"].values()
        for source in entry["sources"]
    }
    engines = {"cragru.llm.vllm_engine", "cragru.llm.server", *ENGINES.values()}
    engines |= {entry["module"] for entry in llms["llms"].values() if "module" in entry}
    by_word = {
        "strategy_code": modules["strategies"],
        "method_code": modules["methods"] + modules["backbones"] + modules["partitions"],
        "backbone_code": modules["backbones"],
        "partition": modules["partitions"],
        "loader_code": loaders,
        "form_code": map(form_module, FORMS),
        "engine_code": {*map(form_module, FORMS), *engines},
    }
    return {module for word, found in by_word.items() if word in (code or "") for module in found}


@cache
def imported(path):
    """Return what a file imports as it is imported: not what only types or later calls need."""
    found = set()
    waiting = list(ast.parse(path.read_text(encoding="utf-8")).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            waiting += node.orelse
        elif isinstance(node, (ast.If, ast.Try, ast.With, ast.ClassDef)):
            waiting += node.body
    return found


def packages(script, modules):
    """Return the top names of other people's packages that a script and modules import, directly or not."""
    files = [ROOT / script]
    waiting, seen, found = set(modules), set(), set()
    waiting |= imported(files[0])
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        top = name.split(".")[0]
        if top == "cragru":
            for path in (
                ROOT / f"{name.replace('.', '/')}.py",
                ROOT / name.replace(".", "/") / "__init__.py",
            ):
                waiting |= imported(path) if path.is_file() else set()
        elif top not in sys.stdlib_module_names and top not in LENT:
            found.add(top)
    return found


def held(env):
    """Return the packages that a conda file names, by the names that pip has for them."""
    names = set()
    for entry in yaml.safe_load((ROOT / env).read_text())["dependencies"]:
        for one in entry.get("pip", []) if isinstance(entry, dict) else [entry]:
            names.add(canonical(re.match(r"[\w.-]+?(?===?|$)", one)[0]))
    return names


def test_every_script_has_an_environment():
    assert len(rules()) > 30
    assert [name for name, facts in rules().items() if not facts["conda"]] == []
    assert {facts["conda"] for facts in rules().values()} == {
        f"envs/{path.name}" for path in (ROOT / "envs").glob("*.yaml")
    }


@pytest.mark.parametrize("rule", rules())
def test_an_environment_holds_what_its_rule_imports(rule):
    facts = rules()[rule]
    needed = packages(facts["script"], plugged(facts["code"]))
    providers = {name: {canonical(one) for one in PROVIDERS.get(name, [name])} for name in needed}
    lacking = {name for name, known in providers.items() if not known & held(facts["conda"])}
    assert not lacking, f"{facts['conda']} lacks {lacking}"


def test_match_specs_are_pins():
    """One version each: `name=version` of conda, `name==version` of pip, and nothing that conda reads otherwise."""
    for path in (ROOT / "envs").glob("*.yaml"):
        content = yaml.safe_load(path.read_text())
        assert content["channels"] == ["conda-forge", "nodefaults"]
        *conda, last = content["dependencies"]
        for entry in [*conda, *([] if isinstance(last, dict) else [last])]:
            assert re.fullmatch(r"pip|[a-z0-9-]+=[0-9][0-9.]*", entry), f"{path.name}: {entry}"
