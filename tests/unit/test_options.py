"""Options of plug-ins: the configuration refuses what the modules would, and knows it without importing them."""

import importlib
import inspect
import subprocess
import sys

import pytest
from configuration import DELETE, FILES, ROOT, changed, load_changed

import cragru.unlearning
from cragru.config.base import parse
from cragru.config.llms import EngineOptions
from cragru.config.models import Params
from cragru.core.errors import CragruError
from cragru.plan.options import KINDS, check_options
from cragru.plugins.options import BaseOptions, read_options, wrong_options
from cragru.plugins.source import modules_of, names_in, options_of

DATASETS = ("ml-100k", "ml-1m")
NAN, INF = float("nan"), float("inf")
INTEGER, NUMBER = "Input should be a valid integer", "Input should be a valid number"
AT_LEAST = "Input should be greater than or equal to"
OPTION = "Input should be a valid number, text, true or false"
LIGHTGCN = (
    "allowed: batch_size, dimensions, epochs, layers, learning_rate, patience, regularisation"
)
SISA = "allowed: learning_rate, least_batch, missing, shards, steps"


def problems(shipped, changes):
    """What is wrong with a changed copy of params.yaml, one line each."""
    try:
        params = parse(Params, changed(shipped["params"], changes), "config/params.yaml")
    except CragruError as error:
        return [str(error)]
    return list(check_options(params, DATASETS, "config/params.yaml"))


def option(section, name, key, value, said):
    """A wrong option of an entry."""
    return {f"{section}/{name}/options/{key}": value}, f"{section}.{name}.options.{key}: {said}"


def override(section, name, pattern, values, said):
    """A wrong override of an entry."""
    # the pattern may hold the slash that a key path is cut at
    return {
        f"{section}/{name}/overrides": {pattern: values}
    }, f"{section}.{name}.overrides.{pattern}{said}"


def module(section, name, value, said):
    """A wrong module of an entry."""
    return {f"{section}/{name}/module": value}, f"{section}.{name}.module: {said}"


WRONG = [
    # a name that is unknown, one of another's options, one that is missing
    option(
        "backbones", "lightgcn", "layer", 2, f"unknown option (did you mean 'layers'? {LIGHTGCN})"
    ),
    option(
        "backbones",
        "bpr",
        "layers",
        2,
        "unknown option (allowed: batch_size, dimensions, epochs, learning_rate",
    ),
    option(
        "backbones",
        "bpr",
        "dtype",
        "float64",
        "unknown option (allowed: batch_size, dimensions, epochs",
    ),
    option(
        "backbones",
        "bpr",
        "_is_double",
        True,
        "unknown option (allowed: batch_size, dimensions, epochs",
    ),
    option("backbones", "lightgcn", "layers", DELETE, "missing; add it"),
    option(
        "partitions",
        "ubp",
        "capacty",
        1.5,
        "unknown option (did you mean 'capacity'? allowed: capacity, ",
    ),
    option("partitions", "random-users", "unit", DELETE, "missing; add it"),
    option(
        "methods",
        "scif",
        "dampening",
        1.0,
        "unknown option (did you mean 'damping'? allowed: damping, iterations",
    ),
    option("methods", "sisa-users", "shard", 3, f"unknown option (did you mean 'shards'? {SISA})"),
    option("methods", "sisa-users", "shards", DELETE, "missing; add it"),
    option(
        "strategies",
        "preference",
        "categoriez",
        9,
        "unknown option (did you mean 'categories'? allowed: cat",
    ),
    option(
        "strategies",
        "attention",
        "heds",
        4,
        "unknown option (did you mean 'heads'? allowed: batch_size, epochs",
    ),
    option("strategies", "diversity", "categories", DELETE, "missing; add it"),
    (
        {"strategies/none/options": {"k": 1}},
        "strategies.none.options.k: unknown option (allowed: nothing)",
    ),
    (
        {"strategies/random/options": {"seed": 1}},
        "strategies.random.options.seed: unknown option (allowed: nothing)",
    ),
    (
        {"methods/retrain/options": {"seed": 1}},
        "methods.retrain.options.seed: unknown option (did you mean 'seed_offset'?",
    ),
    # another type
    option("backbones", "bpr", "epochs", 1.5, f"got 1.5; {INTEGER}"),
    option("backbones", "bpr", "epochs", "300", f"got the text '300'; {INTEGER}"),
    option(
        "backbones",
        "bpr",
        "learning_rate",
        "1e-3",
        f"got the text '1e-3'; {NUMBER}: without quotes, and 1e-3 as",
    ),
    option("backbones", "bpr", "dimensions", True, f"got True; {INTEGER}"),
    option("backbones", "lightgcn", "regularisation", False, f"got False; {NUMBER}"),
    option("backbones", "lightgcn", "layers", None, f"got None; {OPTION}"),
    option("partitions", "inbp", "capacity", "all", f"got the text 'all'; {NUMBER}"),
    option("partitions", "ubp", "capacity", True, f"got True; {NUMBER}"),
    option("partitions", "ubp", "unit", 3, "got 3; allowed: interactions, users"),
    option("methods", "sisa-users", "shards", 10.0, f"got 10.0; {INTEGER}"),
    option("methods", "ifru", "damping", [1], f"got [1]; {OPTION}"),
    option("methods", "ifru", "damping", None, f"got None; {OPTION}"),
    option("methods", "scif", "negatives", True, f"got True; {INTEGER}"),
    option("methods", "retrain-replicate", "seed_offset", "1", f"got the text '1'; {INTEGER}"),
    option("strategies", "attention", "heads", 2.0, f"got 2.0; {INTEGER}"),
    option("strategies", "diversity", "retention", "half", f"got the text 'half'; {NUMBER}"),
    option("strategies", "preference", "categories", {"n": 8}, f"got {{'n': 8}}; {OPTION}"),
    # out of range
    option("backbones", "bpr", "learning_rate", 0, "got 0; Input should be greater than 0"),
    option("backbones", "bpr", "learning_rate", NAN, "got nan; Input should be a finite number"),
    option("backbones", "lightgcn", "layers", -1, f"got -1; {AT_LEAST} 0"),
    option(
        "backbones", "lightgcn", "regularisation", INF, "got inf; Input should be a finite number"
    ),
    option("partitions", "ubp", "capacity", 0.9, f"got 0.9; {AT_LEAST} 1"),
    option("partitions", "inbp", "capacity", INF, "got inf; Input should be a finite number"),
    option("methods", "sisa-users", "shards", 0, f"got 0; {AT_LEAST} 1"),
    option("methods", "scif", "damping", NAN, "got nan; Input should be a finite number"),
    option("methods", "scif", "damping", -1.0, "got -1.0; Input should be greater than 0"),
    option("methods", "ifru", "prune", 1, "got 1; Input should be less than 1"),
    option("methods", "receraser-ubp", "dropout", 1.0, "got 1.0; Input should be less than 1"),
    option("methods", "grapheraser-blpa", "penalty", -0.1, f"got -0.1; {AT_LEAST} 0"),
    option("strategies", "attention", "epochs", -1, f"got -1; {AT_LEAST} 1"),
    option(
        "strategies",
        "attention",
        "learning_rate",
        -INF,
        "got -inf; Input should be a finite number",
    ),
    option(
        "strategies",
        "diversity",
        "retention",
        1.5,
        "got 1.5; Input should be less than or equal to 1",
    ),
    option("strategies", "diversity", "ridge", NAN, "got nan; Input should be a finite number"),
    option("strategies", "preference", "categories", 0, f"got 0; {AT_LEAST} 1"),
    # another choice
    option(
        "partitions",
        "random-users",
        "unit",
        "user",
        "got 'user'; did you mean 'users'? allowed: interactions, us",
    ),
    (
        {"partitions/blpa/options": {"capacity_on": "row"}},
        "partitions.blpa.options.capacity_on: got 'row'; did you me",
    ),
    option(
        "methods",
        "sisa-users",
        "missing",
        "median",
        "got 'median'; did you mean 'mean'? allowed: mask, mean, zero",
    ),
    # overrides
    override(
        "methods",
        "ifru",
        "*/lightgcn",
        {"dampin": 1.0},
        ".dampin: unknown option (did you mean 'damping'?",
    ),
    override(
        "methods",
        "ifru",
        "*/lightgcn",
        {"damping": NAN},
        ".damping: got nan; Input should be a finite number",
    ),
    override("methods", "ifru", "*/lightgcn", {"damping": None}, f".damping: got None; {OPTION}"),
    override(
        "methods",
        "ifru",
        "bpr/*",
        {},
        ": matches no cell; patterns are 'dataset/backbone', such as ml-1m/*",
    ),
    override("methods", "sisa-users", "ml-1m/*", {"shards": True}, f".shards: got True; {INTEGER}"),
    override(
        "backbones",
        "bpr",
        "ml-1m/*",
        {"epoch": 5},
        ".epoch: unknown option (did you mean 'epochs'?",
    ),
    override(
        "backbones",
        "bpr",
        "*",
        {"label": 5},
        ".label: unknown option (allowed: batch_size, dimensions",
    ),
    override("backbones", "bpr", "*/bpr", {"epochs": 0.5}, f".epochs: got 0.5; {INTEGER}"),
    override("backbones", "bpr", "*/bpr", {"epochs": -1}, f".epochs: got -1; {AT_LEAST} 1"),
    override(
        "backbones",
        "bpr",
        "*/lightgcn",
        {"epochs": 1},
        ": matches no cell; patterns are 'dataset/backbone'",
    ),
    override(
        "backbones",
        "lightgcn",
        "ml-2m/*",
        {"epochs": 1},
        ": matches no cell; patterns are 'dataset/backbone'",
    ),
    (
        {"partitions/ubp/overrides": {}},
        "partitions.ubp.overrides: unknown key (allowed: module, options, reads)",
    ),
    (
        {"strategies/none/overrides": {}},
        "strategies.none.overrides: unknown key (allowed: label, module, options, who",
    ),
    # a module that is not there, or of another kind
    module(
        "backbones",
        "bpr",
        "cragru.backbones.brp",
        "got 'cragru.backbones.brp', which is no module of cragru (did you mean",
    ),
    module(
        "backbones",
        "bpr",
        "cragru.unlearning.sisa",
        "got 'cragru.unlearning.sisa', which has no function build",
    ),
    module(
        "partitions",
        "blpa",
        "cragru.unlearning.scif",
        "got 'cragru.unlearning.scif', which has no function parti",
    ),
    module(
        "methods",
        "scif",
        "cragru.unlearning.sciff",
        "got 'cragru.unlearning.sciff', which is no module of cragru (did you",
    ),
    module(
        "methods",
        "scif",
        "cragru.unlearning.triplets",
        "got 'cragru.unlearning.triplets', which has no function",
    ),
    module(
        "methods",
        "scif",
        "no.such.module",
        "got 'no.such.module', which is no module of cragru (allowed: cragru.unlearnin",
    ),
    module(
        "methods",
        "scif",
        "sys",
        "got 'sys', which is no module of cragru (allowed: cragru.unlearning.",
    ),
    module(
        "strategies",
        "none",
        "cragru.retrieval.nine",
        "got 'cragru.retrieval.nine', which is no module of cragru (did you",
    ),
    module(
        "strategies",
        "none",
        "cragru.backbones.bpr",
        "got 'cragru.backbones.bpr', which has no function fit and",
    ),
    # partitions of methods
    (
        {"methods/scif/partition": "ubp"},
        "methods.scif.partition: got 'ubp', but cragru.unlearning.scif has no shards",
    ),
    (
        {"methods/sisa-users/partition": DELETE},
        "methods.sisa-users.partition: missing, and cragru.unlearning.sisa has",
    ),
    (
        {"methods/sisa-users/partition": "upb"},
        "methods.sisa-users.partition: unknown name 'upb' (did you mean 'ubp'?",
    ),
]


@pytest.mark.parametrize(("changes", "said"), WRONG)
def test_a_wrong_plugin_is_refused_when_the_configuration_is_read(shipped, changes, said):
    (line,) = problems(shipped, changes)
    assert line.startswith(f"config/params.yaml: {said}")
    assert "\n" not in line


def test_every_problem_is_told(shipped):
    wrong = {
        "backbones/bpr/options/epochs": -1,
        "strategies/attention/options/heds": 4,
        "methods/scif/module": "m",
    }
    places = [line.split(": ")[1] for line in problems(shipped, wrong)]
    assert places == [
        "backbones.bpr.options.epochs",
        "methods.scif.module",
        "strategies.attention.options.heds",
    ]


def test_a_project_with_a_wrong_option_is_not_loaded(shipped, tmp_path):
    with pytest.raises(
        CragruError, match=r"^config/params\.yaml: strategies\.attention\.options\.epochs: got -1"
    ):
        load_changed(shipped, tmp_path, {"params/strategies/attention/options/epochs": -1})


def test_the_shipped_configuration_is_checked_where_nothing_heavy_is_installed():
    lines = [
        "import sys",
        "from pathlib import Path",
        "heavy = ('torch', 'scipy', 'matplotlib', 'sklearn', 'pandas', 'dgl', 'safetensors', 'vllm')",
        "sys.modules.update(dict.fromkeys(heavy))",  # None: an import of it fails
        "from cragru.config.base import load_yaml",
        "from cragru.plan.project import load_project",
        "project = load_project(load_yaml('config/config.yaml'), Path('.'))",
        "print('retrain' in project.params.methods, {name for name in heavy if sys.modules[name]})",
    ]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "True set()\n"), done.stderr


PLUGINS = [
    name
    for kind in KINDS
    for name in modules_of(kind.package)
    if set(kind.functions) <= names_in(name)
]


def test_all_shipped_plugins_are_found(shipped):
    named = {entry["module"] for kind in KINDS for entry in shipped["params"][kind.key].values()}
    assert set(PLUGINS) == named
    assert len(PLUGINS) >= 2 + 4 + 6 + 5


@pytest.mark.parametrize("module", PLUGINS)
def test_what_is_read_from_the_source_is_what_an_import_gives(module):
    imported = getattr(importlib.import_module(module), "Options", None)
    read = options_of(module)
    assert (read is None) == (imported is None)
    if read is None:
        return
    assert read.__module__ == imported.__module__ == module
    assert read.__bases__ == imported.__bases__
    assert read.model_json_schema() == imported.model_json_schema()
    assert repr(read.model_fields) == repr(imported.model_fields)
    assert list(read.model_fields) == list(imported.model_fields)


@pytest.mark.parametrize("module", [name for name in PLUGINS if options_of(name)])
def test_every_field_is_documented(module):
    kind = options_of(module)
    told = " ".join(inspect.getdoc(base) for base in kind.__mro__ if issubclass(base, BaseOptions))
    assert [name for name in kind.model_fields if f"    {name}: " not in told] == []


HEAD = "from pydantic import Field\nfrom cragru.plugins.options import BaseOptions\n"
BROKEN = [
    (
        "import torch\nclass Options(BaseOptions):\n    a: int = torch.pi",
        "class Options uses 'torch' of torch; it may",
    ),
    (
        "MOST = 3\nclass Options(BaseOptions):\n    a: int = MOST",
        "class Options uses 'MOST' of {module}; it may",
    ),
    (
        "class Options(Based):\n    a: int = 1",
        "class Options cannot be made: NameError: name 'Based' is not defined",
    ),
    (
        "class Options:\n    a: int = 1",
        "class Options derives from no cragru.plugins.options.BaseOptions; derive it",
    ),
    (
        "Options = BaseOptions",
        "Options is not one class at the top of the module; define it there, once",
    ),
    (
        "if Field:\n    class Options(BaseOptions):\n        a: int",
        "Options is not one class at the top of the module",
    ),
    (
        "from cragru.plugins.options import Nothing\nclass Options(Nothing):\n    a: int",
        "class Options uses 'Nothing', which",
    ),
    ("class Options(BaseOptions:\n", "not readable as Python: "),
]


@pytest.mark.parametrize(("source", "said"), BROKEN)
def test_a_class_that_cannot_be_read_is_one_line(source, said, tmp_path, monkeypatch):
    name = f"broken_{BROKEN.index((source, said))}"
    (tmp_path / f"{name}.py").write_text(HEAD + source)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(CragruError) as refused:
        options_of(name)
    assert str(refused.value).startswith(f"{name}: {said.format(module=name)}")
    assert "\n" not in str(refused.value)


def test_overrides_that_contradict_one_another_together(shipped, tmp_path, monkeypatch):
    """Each is right by itself; a cell that both are for is not."""
    (tmp_path / "pairwise.py").write_text(
        "from pydantic import model_validator\n"
        "from cragru.plugins.options import BaseOptions\n"
        "class Options(BaseOptions):\n"
        "    low: int = 0\n"
        "    high: int = 9\n"
        "    @model_validator(mode='after')\n"
        "    def _ordered(self):\n"
        "        if self.low > self.high:\n"
        "            raise ValueError(f'low: got {self.low}; must be at most high, {self.high}')\n"
        "        return self\n"
        "def unlearn(context): ...\n"
    )
    monkeypatch.setattr(cragru.unlearning, "__path__", [*cragru.unlearning.__path__, str(tmp_path)])
    entry = {
        "label": "P",
        "module": "cragru.unlearning.pairwise",
        "overrides": {"*/bpr": {"low": 5}, "ml-1m/*": {"high": 3}},
    }
    assert problems(shipped, {"methods/pairwise": entry}) == [
        "config/params.yaml: methods.pairwise.overrides, together in ml-1m/bpr: low: got 5; must be at most high, 3"
    ]


def test_a_whole_number_is_a_float_and_options_are_read_only():
    options = read_options(options_of("cragru.unlearning.scif"), {"damping": 3})
    assert options.damping == 3.0
    assert isinstance(options.damping, float)
    with pytest.raises(ValueError, match="frozen"):
        options.damping = 4.0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sequences", True),
        ("sequences", "64"),
        ("sequences", 0),
        ("context", None),
        ("cache_gib", INF),
        ("cache_gib", NAN),
        ("cache_gib", True),
        ("eager", 1),
        ("eager", "yes"),
        ("dtype", "float64"),
        ("thread", 8),
        ("threads", 2.0),
    ],
)
def test_an_engines_options_hold_to_the_same(shipped, name, value):
    right = {"context": 2048, "cache_gib": 4, "eager": True}
    assert parse(EngineOptions, right, "llms.yaml").cache_gib == 4.0
    assert issubclass(EngineOptions, BaseOptions)
    assert [key for key, _ in wrong_options(EngineOptions, right | {name: value})] == [name]
    entry = next(iter(shipped["llms"]["llms"]))
    with pytest.raises(CragruError, match=rf"^config/llms\.yaml: llms\.{entry}\.engine\.{name}: "):
        parse(
            FILES["llms"][1],
            changed(shipped["llms"], {f"llms/{entry}/engine/{name}": value}),
            "config/llms.yaml",
        )
