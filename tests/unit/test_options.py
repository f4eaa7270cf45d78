"""Options of plug-ins: the configuration refuses what the modules would, and knows it without importing them."""

import importlib
import inspect
import subprocess
import sys

import pytest
from configuration import DELETE, FILES, ROOT, changed, load_changed

import cragru.unlearning
from cragru.backbones.options import TrainingOptions
from cragru.config.base import parse
from cragru.config.datasets import Registry
from cragru.config.llms import EngineOptions
from cragru.config.models import Params
from cragru.core.errors import NOTHING, CragruError
from cragru.plan.options import KINDS, check_loaders, check_options
from cragru.plugins.options import BaseOptions, read_options, wrong_options
from cragru.plugins.source import modules_of, names_in, options_of
from tests.refusals import AtLeast, assert_told, refused

DATASETS = ("ml-100k", "ml-1m")
NAN, INF = float("nan"), float("inf")


def modules(package, names):
    return AtLeast(f"{package}.{name}" for name in names.split())


INTEGER, NUMBER = "Input should be a valid integer", "Input should be a valid number"
AT_LEAST = "Input should be greater than or equal to"
TRAINING = "batch_size dimensions epochs learning_rate patience training"
SISA = "learning_rate least_batch missing patience shards steps"
SHIPPED = AtLeast(["bekm", "blpa", "inbp", "random-interactions", "random-users", "ubp"])
BACKBONES = modules("cragru.backbones", "bpr lightgcn")
PARTITIONS = modules("cragru.unlearning.partition", "balanced bekm blpa random")
METHODS = modules("cragru.unlearning", "grapheraser ifru receraser retrain scif sisa")
STRATEGIES = modules("cragru.retrieval", "attention diversity none preference random")


def problems(shipped, changes):
    """What is wrong with a changed copy of params.yaml."""
    try:
        params = parse(Params, changed(shipped["params"], changes), "config/params.yaml")
    except CragruError as error:
        return error.problems
    return CragruError.of(check_options(params, DATASETS, "config/params.yaml")).problems


def wrong(key, value, **parts):
    """A wrong value, and what is told of it: the place is its key path, unless said otherwise."""
    told = {"place": key.replace("/", "."), "got": value} | parts
    if isinstance(told.get("allowed"), str):
        told["allowed"] = told["allowed"].split()
    return {key: value}, told | {"place": f"config/params.yaml: {told['place']}"}


def missing(key):
    """An option that is left out."""
    return wrong(key, DELETE, got=NOTHING, what="missing")


def unknown(key, value, allowed):
    """An option of no such name."""
    return wrong(key, value, got=key.split("/")[-1], allowed=allowed)


WRONG = [
    unknown(
        "backbones/lightgcn/options/layer",
        2,
        "batch_size dimensions epochs layers learning_rate patience regularisation training",
    ),
    unknown("backbones/bpr/options/layers", 2, TRAINING),
    unknown("backbones/bpr/options/dtype", "float64", TRAINING),
    unknown("backbones/bpr/options/_is_double", True, TRAINING),
    missing("backbones/lightgcn/options/layers"),
    unknown("partitions/ubp/options/capacty", 1.5, "capacity iterations unit"),
    missing("partitions/random-users/options/unit"),
    unknown(
        "methods/scif/options/dampening",
        1.0,
        "damping iterations negatives target threshold tolerance",
    ),
    unknown("methods/sisa-users/options/shard", 3, SISA),
    missing("methods/sisa-users/options/shards"),
    unknown("strategies/preference/options/categoriez", 9, "categories"),
    unknown("strategies/attention/options/heds", 4, "batch_size epochs heads learning_rate length"),
    missing("strategies/diversity/options/categories"),
    wrong(
        "strategies/none/options", {"k": 1}, place="strategies.none.options.k", got="k", allowed=""
    ),
    wrong(
        "strategies/random/options",
        {"seed": 1},
        place="strategies.random.options.seed",
        got="seed",
        allowed="",
    ),
    wrong(
        "methods/retrain/options",
        {"seed": 1},
        place="methods.retrain.options.seed",
        got="seed",
        allowed="",
    ),
    wrong("backbones/bpr/options/epochs", 1.5, what=INTEGER),
    wrong("backbones/bpr/options/epochs", "300", what=INTEGER),
    wrong("backbones/bpr/options/learning_rate", "1e-3", what=NUMBER),
    wrong("backbones/bpr/options/dimensions", True, what=INTEGER),
    wrong("backbones/lightgcn/options/regularisation", False, what=NUMBER),
    wrong("backbones/lightgcn/options/layers", None),
    wrong("partitions/inbp/options/capacity", "all", what=NUMBER),
    wrong("partitions/ubp/options/capacity", True, what=NUMBER),
    wrong("partitions/ubp/options/unit", 3, allowed="interactions users"),
    wrong("methods/sisa-users/options/shards", 10.5, what=INTEGER),
    wrong("methods/ifru/options/damping", [1]),
    wrong("methods/ifru/options/damping", None),
    wrong("methods/scif/options/negatives", True, what=INTEGER),
    wrong("methods/sisa-users/options/patience", "1", what=INTEGER),
    wrong("methods/sisa-users/options/patience", 0, what=f"{AT_LEAST} 1"),
    wrong("backbones/bpr/options/training", -1, what=f"{AT_LEAST} 0"),
    wrong("strategies/attention/options/heads", 2.5, what=INTEGER),
    wrong("strategies/diversity/options/retention", "half", what=NUMBER),
    wrong("strategies/preference/options/categories", {"n": 8}),
    wrong("backbones/bpr/options/learning_rate", 0, what="Input should be greater than 0"),
    wrong("backbones/bpr/options/learning_rate", NAN),
    wrong("backbones/lightgcn/options/layers", -1, what=f"{AT_LEAST} 0"),
    wrong("backbones/lightgcn/options/regularisation", INF),
    wrong("partitions/ubp/options/capacity", 0.9, what=f"{AT_LEAST} 1"),
    wrong("partitions/inbp/options/capacity", INF),
    wrong("methods/sisa-users/options/shards", 0, what=f"{AT_LEAST} 1"),
    wrong("methods/scif/options/damping", NAN),
    wrong("methods/scif/options/damping", -1.0, what="Input should be greater than 0"),
    wrong("methods/ifru/options/prune", 1, what="Input should be less than 1"),
    wrong("methods/receraser-ubp/options/dropout", 1.0, what="Input should be less than 1"),
    wrong("methods/grapheraser-blpa/options/penalty", -0.1, what=f"{AT_LEAST} 0"),
    wrong("strategies/attention/options/epochs", -1, what=f"{AT_LEAST} 1"),
    wrong("strategies/attention/options/learning_rate", -INF),
    wrong(
        "strategies/diversity/options/retention",
        1.5,
        what="Input should be less than or equal to 1",
    ),
    wrong("strategies/diversity/options/ridge", NAN),
    wrong("strategies/diversity/options/thinnings", 0, what=f"{AT_LEAST} 1"),
    wrong("strategies/preference/options/categories", 0, what=f"{AT_LEAST} 1"),
    wrong("partitions/random-users/options/unit", "user", allowed="interactions users"),
    wrong(
        "partitions/blpa/options",
        {"capacity_on": "row"},
        place="partitions.blpa.options.capacity_on",
        got="row",
        allowed="rows users",
    ),
    wrong("methods/sisa-users/options/missing", "median", allowed="mask mean zero"),
    wrong(
        "methods/ifru/overrides",
        {"*/lightgcn": {"dampin": 1.0}},
        place="methods.ifru.overrides.*/lightgcn.dampin",
        got="dampin",
        allowed="damping hops iterations negatives prune tolerance",
    ),
    wrong(
        "methods/ifru/overrides",
        {"*/lightgcn": {"damping": NAN}},
        place="methods.ifru.overrides.*/lightgcn.damping",
        got=NAN,
    ),
    wrong(
        "methods/ifru/overrides",
        {"*/lightgcn": {"damping": None}},
        place="methods.ifru.overrides.*/lightgcn.damping",
        got=None,
    ),
    wrong(
        "methods/ifru/overrides", {"bpr/*": {}}, place="methods.ifru.overrides.bpr/*", got=NOTHING
    ),
    wrong(
        "methods/sisa-users/overrides",
        {"ml-1m/*": {"shards": True}},
        place="methods.sisa-users.overrides.ml-1m/*.shards",
        got=True,
        what=INTEGER,
    ),
    wrong(
        "backbones/bpr/overrides",
        {"ml-1m/*": {"epoch": 5}},
        place="backbones.bpr.overrides.ml-1m/*.epoch",
        got="epoch",
        allowed=TRAINING,
    ),
    wrong(
        "backbones/bpr/overrides",
        {"*": {"label": 5}},
        place="backbones.bpr.overrides.*.label",
        got="label",
        allowed=TRAINING,
    ),
    wrong(
        "backbones/bpr/overrides",
        {"*/bpr": {"epochs": 0.5}},
        place="backbones.bpr.overrides.*/bpr.epochs",
        got=0.5,
        what=INTEGER,
    ),
    wrong(
        "backbones/bpr/overrides",
        {"*/bpr": {"epochs": -1}},
        place="backbones.bpr.overrides.*/bpr.epochs",
        got=-1,
        what=f"{AT_LEAST} 1",
    ),
    wrong(
        "backbones/bpr/overrides",
        {"*/lightgcn": {"epochs": 1}},
        place="backbones.bpr.overrides.*/lightgcn",
        got=NOTHING,
    ),
    wrong(
        "backbones/lightgcn/overrides",
        {"lightgcn/*": {"epochs": 1}},
        place="backbones.lightgcn.overrides.lightgcn/*",
        got=NOTHING,
    ),
    unknown("partitions/ubp/overrides", {}, "module options reads"),
    unknown("strategies/none/overrides", {}, "label module options whole"),
    wrong("backbones/bpr/module", "cragru.backbones.brp", allowed=BACKBONES),
    wrong("backbones/bpr/module", "cragru.unlearning.sisa", allowed=BACKBONES),
    wrong("partitions/blpa/module", "cragru.unlearning.scif", allowed=PARTITIONS),
    wrong("methods/scif/module", "cragru.unlearning.sciff", allowed=METHODS),
    wrong("methods/scif/module", "cragru.unlearning.triplets", allowed=METHODS),
    wrong("methods/scif/module", "no.such.module", allowed=METHODS),
    wrong("methods/scif/module", "sys", allowed=METHODS),
    wrong("strategies/none/module", "cragru.retrieval.nine", allowed=STRATEGIES),
    wrong("strategies/none/module", "cragru.backbones.bpr", allowed=STRATEGIES),
    wrong("methods/scif/partition", "ubp"),
    wrong("methods/sisa-users/partition", DELETE, got=None, allowed=SHIPPED),
    wrong("methods/sisa-users/partition", "upb", allowed=SHIPPED),
]


@pytest.mark.parametrize(("changes", "parts"), WRONG)
def test_a_wrong_plugin_is_refused_when_the_configuration_is_read(shipped, changes, parts):
    (problem,) = problems(shipped, changes)
    assert_told([problem], **parts)
    assert "\n" not in str(problem)


def test_a_wrong_plugin_is_one_sentence(shipped):
    wrong = {
        "methods/ifru/overrides": {"bpr/*": {}},
        "methods/scif/partition": "ubp",
        "methods/sisa-users/partition": "upb",
        "backbones/bpr/module": "cragru.backbones.brp",
    }
    modules = sorted(entry["module"] for entry in shipped["params"]["backbones"].values())
    lines = sorted(str(problem) for problem in problems(shipped, wrong))
    assert [line.removeprefix("config/params.yaml: ") for line in lines] == [
        "backbones.bpr.module: no plug-in with build, got 'cragru.backbones.brp' (did you mean "
        f"'cragru.backbones.bpr'? allowed: {', '.join(modules)})",
        "methods.ifru.overrides.bpr/*: sets nothing anywhere; set an option there; "
        "patterns are 'dataset/backbone', such as ml-1m/*",
        "methods.scif.partition: the module has no shards, got 'ubp'; leave it out",
        "methods.sisa-users.partition: must name a partition, got 'upb' (did you mean 'ubp'? "
        f"allowed: {', '.join(sorted(shipped['params']['partitions']))})",
    ]


def test_every_problem_is_told(shipped):
    wrong = {
        "backbones/bpr/options/epochs": -1,
        "strategies/attention/options/heds": 4,
        "methods/scif/module": "m",
    }
    places = [problem.place for problem in problems(shipped, wrong)]
    assert places == [
        "config/params.yaml: backbones.bpr.options.epochs",
        "config/params.yaml: methods.scif.module",
        "config/params.yaml: strategies.attention.options.heds",
    ]


def test_what_a_module_reads_must_be_said(shipped):
    (problem,) = problems(shipped, {"methods/ifru/reads": ["original"]})
    assert_told([problem], place="config/params.yaml: methods.ifru.reads")
    assert "forget" in problem.what


def test_heads_must_divide_the_dimensions(shipped):
    told = problems(shipped, {"strategies/attention/options/heads": 5})
    place = "config/params.yaml: strategies.attention.options.heads"
    assert {problem.place for problem in told} == {place}
    assert len(told) == len(shipped["params"]["backbones"])
    for name, problem in zip(shipped["params"]["backbones"], told, strict=True):
        assert (problem.got, repr(name) in problem.what) == (5, True)


def test_a_project_with_a_wrong_option_is_not_loaded(shipped, tmp_path):
    with refused(place="config/params.yaml: strategies.attention.options.epochs", got=-1):
        load_changed(shipped, tmp_path, {"params/strategies/attention/options/epochs": -1})


def test_the_shipped_configuration_is_checked_where_nothing_heavy_is_installed():
    lines = [
        "import sys",
        "from pathlib import Path",
        "heavy = ('torch', 'scipy', 'matplotlib', 'sklearn', 'pandas', 'dgl', 'safetensors', 'vllm')",
        "sys.modules.update(dict.fromkeys(heavy))",  # None: an import of it fails
        "from cragru.config.base import load_yaml",
        "from cragru.plan.loading import load_project",
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
    if imported is None:
        assert read is BaseOptions
        return
    assert read.__module__ == imported.__module__ == module
    assert read.__bases__ == imported.__bases__
    assert read.model_json_schema() == imported.model_json_schema()
    assert repr(read.model_fields) == repr(imported.model_fields)
    assert list(read.model_fields) == list(imported.model_fields)


@pytest.mark.parametrize(
    "module", [name for name in PLUGINS if options_of(name) is not BaseOptions]
)
def test_every_field_is_documented(module):
    kind = options_of(module)
    told = " ".join(inspect.getdoc(base) for base in kind.__mro__ if issubclass(base, BaseOptions))
    assert [name for name in kind.model_fields if f"    {name}: " not in told] == []


HEAD = "from pydantic import Field\nfrom cragru.plugins.options import BaseOptions\n"
BROKEN = [
    ("import torch\nclass Options(BaseOptions):\n    a: int = torch.pi", "'torch'"),
    ("MOST = 3\nclass Options(BaseOptions):\n    a: int = MOST", "'MOST'"),
    ("class Options(Based):\n    a: int = 1", "'Based'"),
    ("class Options:\n    a: int = 1", "cragru.plugins.options.BaseOptions"),
    ("Options = BaseOptions", "top"),
    ("if Field:\n    class Options(BaseOptions):\n        a: int", "top"),
    ("def Options():\n    return BaseOptions", "top"),
    (
        "from cragru.plugins.options import Nothing\nclass Options(Nothing):\n    a: int",
        "'Nothing'",
    ),
    ("class Options(BaseOptions:\n", "Python"),
    ("class Options(BaseOptions):\n    a: int = \0", "null"),
]


@pytest.mark.parametrize(("source", "fact"), BROKEN)
def test_a_class_that_cannot_be_read_is_one_line(source, fact, tmp_path, monkeypatch):
    name = f"broken_{BROKEN.index((source, fact))}"
    (tmp_path / f"{name}.py").write_text(HEAD + source)
    monkeypatch.syspath_prepend(tmp_path)
    with refused(place=name) as caught:
        options_of(name)
    assert fact in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_class_that_inherits_from_another_is_refused():
    with refused() as caught:
        options_of("cragru.retrieval.attention", TrainingOptions)
    assert str(caught.value) == (
        "cragru.retrieval.attention: class Options must be at the top, and a "
        "cragru.backbones.options.TrainingOptions"
    )


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
        "            raise ValueError(f'low is {self.low}; must be at most high, {self.high}')\n"
        "        return self\n"
        "def unlearn(context): ...\n"
    )
    monkeypatch.setattr(cragru.unlearning, "__path__", [*cragru.unlearning.__path__, str(tmp_path)])
    entry = {
        "label": "P",
        "module": "cragru.unlearning.pairwise",
        "overrides": {"*/bpr": {"low": 5}, "ml-1m/*": {"high": 3}},
    }
    (problem,) = problems(shipped, {"methods/pairwise": entry})
    place = "config/params.yaml: methods.pairwise.overrides, together in ml-1m/bpr"
    assert (problem.place, problem.what) == (place, "low is 5; must be at most high, 3")


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
        ("threads", 2.5),
    ],
)
def test_an_engines_options_hold_to_the_same(shipped, name, value):
    right = {"context": 2048, "cache_gib": 4, "eager": True}
    assert parse(EngineOptions, right, "llms.yaml").cache_gib == 4.0
    assert issubclass(EngineOptions, BaseOptions)
    (problem,) = wrong_options(EngineOptions, right | {name: value})
    assert problem.place == name
    entry = next(iter(shipped["llms"]["llms"]))
    data = changed(shipped["llms"], {f"llms/{entry}/engine/{name}": value})
    with refused(place=f"config/llms.yaml: llms.{entry}.engine.{name}"):
        parse(FILES["llms"][1], data, "config/llms.yaml")


# --- loaders

OWN = {
    "title": "Mine",
    "version": "1",
    "licence": "none",
    "sources": [
        {
            "kind": "file",
            "path": "mine",
            "module": "cragru.data.csv_tables",
            "members": {"in/r.csv": None},
            "options": {"ratings": {"file": "r.csv", "columns": {"user": "u", "item": 2}}},
        }
    ],
}
RATING_COLUMNS = ["user", "item", "rating", "timestamp", "title", "year", "genres"]
WRONG_LOADERS = [
    ("module", "cragru.data.movielens_1m", "options.ratings", {"got": "ratings", "allowed": []}),
    ("options/ratings/columns/item", "i", None, {}),
    (
        "options/ratings/columns/stars",
        "s",
        "options.ratings.columns.stars",
        {"allowed": RATING_COLUMNS},
    ),
    ("options/ratings/columns/item", 2, "options.ratings.columns", {"what": "names and numbers"}),
    ("options/ratings/columns/item", 0, "options.ratings.columns.item", {"got": 0}),
    ("options/ratings/columns/item", True, "options.ratings.columns.item", {"got": True}),
    ("options/ratings/columns/user", DELETE, "options.ratings.columns.user", {"what": "missing"}),
    ("options/ratings/separator", ";;", "options.ratings.separator", {"got": ";;"}),
    (
        "options/ratings/file",
        "s.csv",
        "options.ratings.file",
        {"got": "s.csv", "allowed": ["r.csv"]},
    ),
    ("options/scale", [5, 1], "options.scale", {"got": [5, 1]}),
    ("options/scal", [1, 5], "options.scal", {"allowed": ["items", "ratings", "scale", "users"]}),
]


@pytest.mark.parametrize(("key", "value", "place", "parts"), WRONG_LOADERS)
def test_options_of_loaders_are_checked_with_the_configuration(key, value, place, parts):
    right = changed(OWN, {"sources/0/options/ratings/columns/item": "i"})
    registry = parse(
        Registry, {"datasets": {"mine": changed(right, {f"sources/0/{key}": value})}}, "d.yaml"
    )
    found = list(check_loaders(registry, "d.yaml"))
    if place is None:
        assert found == []
    else:
        assert_told(found, place=f"d.yaml: datasets.mine.sources.0.{place}", **parts)


def test_a_loader_and_its_options_fetch_nothing_and_prepare_anew():
    """What `download` depends on has none of them; what `prepare` depends on has all."""
    content = changed(OWN, {"sources/0/options/ratings/columns/item": "i", "keep": {"users": 3}})
    entry = parse(Registry, {"datasets": {"mine": content}}, "d.yaml").datasets["mine"]
    fetched = str(entry.raw_files.model_dump())
    assert not any(word in fetched for word in ("csv_tables", "columns", "keep"))
    assert entry.loader_options == {"own": content["sources"][0]["options"]}
    assert entry.keep.rules == {"users": 3}
    assert entry.known_users == 3
