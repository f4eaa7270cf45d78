import pytest
from configuration import DELETE, FILES, changed

from cragru.config.base import Frozen, load_yaml, parse
from cragru.config.models import Forget, Protocol, Settings
from cragru.core.errors import NOTHING, CragruError
from cragru.plan.tables import Tables
from tests.refusals import AtLeast, assert_told, refused


def problems(model, data):
    """What is wrong with `data`, each on one line."""
    with pytest.raises(CragruError) as caught:
        parse(model, data, "file.yaml")
    assert "\n" not in str(caught.value)
    return caught.value.problems


def the_problem(model, data):
    """The one thing that is wrong with `data`."""
    (problem,) = problems(model, data)
    return problem


def assert_wrong(model, data, place, **parts):
    """The one thing that is wrong with `data` has these parts."""
    place = f"file.yaml: {place}" if place else "file.yaml"
    assert_told([the_problem(model, data)], place=place, **parts)


# --- one file: keys

UNKNOWN = [
    (
        "config",
        "sead",
        "backbones data_dir datasets device figures files methods overlays requests retrieval run scoring seeds tables "
        "trainings",
    ),
    ("config", "requests/one_usr", "files one_user protocol"),
    ("config", "files/zzz", "datasets figures llms params protocols tables"),
    (
        "config",
        "scoring/cohrt",
        "batch chunk cohort cohorts compare_cohort compare_form compare_on controls form fusion jobs llm "
        "natural_titles show_ratings tokens",
    ),
    ("params", "backbones/bpr/option", "label module options overrides"),
    ("protocols", "protocols/paper/forget/fractoin", "fraction kind"),
    ("tables", "tables/table1/captoin", "caption compact kind label paper"),
    ("tables", "tables/table1/cutoffs", "caption compact kind label paper"),
    ("tables", "tables/cragru-cost/cutoffs", "caption compact kind label protocol"),
    ("figures", "figures/figure4/cutofs", "caption cutoffs kind mask protocol rivals"),
    ("figures", "figures/figure4/panel", "caption cutoffs kind mask protocol rivals"),
    ("llms", "llms/smollm2-135m/lable", "engine label module source"),
    ("params", "strategies/none/hole", "label module options whole"),
    (
        "tables",
        "tables/table2/cutofs",
        "caption compact cutoffs kind label least_users mask panel paper protocol tested",
    ),
    ("datasets", "datasets/ml-100k/sources/0/urll", "kind members module name options url"),
    (
        "datasets",
        "datasets/ml-100k/sources/1/requirements",
        "kind members module name options requirement",
    ),
    ("datasets", "datasets/ml-100k/sources/1/url", "kind members module name options requirement"),
]


@pytest.mark.parametrize(("file", "key", "allowed"), UNKNOWN)
def test_unknown_key_is_met_with_the_names_of_its_own_section(shipped, file, key, allowed):
    data = changed(shipped[file], {key: 1})
    *_, last = key.split("/")
    place = key.replace("/", ".")
    assert_wrong(FILES[file][1], data, place, got=last, allowed=allowed.split())


def test_unknown_key_is_met_with_the_nearest(shipped):
    data = changed(shipped["config"], {"requests/one_usr": 1})
    assert str(the_problem(Settings, data)) == (
        "file.yaml: requests.one_usr: unknown key, got 'one_usr' "
        "(did you mean 'one_user'? allowed: files, one_user, protocol)"
    )


def test_several_problems_are_told_at_once(shipped):
    wrong = {
        "sead": 1,
        "requests/one_usr": 2,
        "run": DELETE,
        "requests/files": DELETE,
        "device": "gpu",
    }
    told = problems(Settings, changed(shipped["config"], wrong))
    assert len(told) == len(wrong)
    assert_told(told, place="file.yaml: sead", got="sead")
    assert_told(told, place="file.yaml: requests.one_usr", got="one_usr")
    assert_told(told, place="file.yaml: device", got="gpu", allowed=["auto", "cpu", "cuda"])
    for place in ("run", "requests.files"):
        assert_told(told, place=f"file.yaml: {place}", what="missing")


MISSING = [
    "seeds",
    "requests",
    "files/params",
    "files/llms",
    "data_dir",
    "figures",
    "scoring",
    "scoring/llm",
]


@pytest.mark.parametrize("key", MISSING)
def test_missing_key(shipped, key):
    place, data = key.replace("/", "."), changed(shipped["config"], {key: DELETE})
    assert_wrong(Settings, data, place, got=NOTHING, what="missing", advice="add it")


def test_missing_kind_of_a_table(shipped):
    data = changed(shipped["tables"], {"tables/table1/kind": DELETE})
    assert_wrong(Tables, data, "tables.table1.kind", what="missing")


WRONG = [
    ("config", "seeds", "1", {"what": "Input should be a valid list"}),
    ("config", "seeds", [], {"what": "List should have at least 1 item after validation, not 0"}),
    ("config", "seeds/0", -1, {"what": "Input should be greater than or equal to 0"}),
    ("config", "seeds/0", "one", {"what": "Input should be a valid integer"}),
    ("config", "device", "gpu", {"allowed": ["auto", "cpu", "cuda"]}),
    ("config", "run", "a/b", {"what": "String should match pattern '^[A-Za-z0-9][A-Za-z0-9.-]*$'"}),
    ("config", "data_dir", 3, {"what": "Input should be a valid string"}),
    (
        "config",
        "requests",
        None,
        {"what": "Input should be a valid dictionary or instance of Requests"},
    ),
    ("config", "requests/one_user", 0, {"what": "Input should be greater than 0"}),
    (
        "config",
        "requests/files",
        {"a b": "x.csv"},
        {
            "place": "requests.files.a b",
            "got": "a b",
            "what": "String should match pattern '^[A-Za-z0-9][A-Za-z0-9.-]*$'",
        },
    ),
    ("config", "figures", None, {"what": "Input should be a valid list"}),
    (
        "config",
        "scoring/llm",
        "a/b",
        {"what": "String should match pattern '^[A-Za-z0-9][A-Za-z0-9.-]*$'"},
    ),
    ("config", "scoring/cohorts/pilot", 0, {"what": "Input should be greater than 0"}),
    (
        "config",
        "scoring/cohorts",
        {"a b": 3},
        {
            "place": "scoring.cohorts.a b",
            "got": "a b",
            "what": "String should match pattern '^[A-Za-z0-9][A-Za-z0-9.-]*$'",
        },
    ),
    ("config", "scoring/tokens", 0, {"what": "Input should be greater than 0"}),
    ("config", "scoring/show_ratings", "maybe", {"what": "Input should be a valid boolean"}),
    ("config", "scoring/chunk", 0, {"what": "Input should be greater than 0"}),
    ("config", "scoring/batch", "run", {"allowed": ["cell", "state"]}),
    ("config", "scoring/jobs", 0, {"what": "Input should be greater than 0"}),
    (
        "figures",
        "figures/figure4/cutoffs",
        [],
        {"what": "List should have at least 1 item after validation, not 0"},
    ),
    ("params", "strategies/none/whole", "maybe", {"what": "Input should be a valid boolean"}),
    (
        "protocols",
        "protocols/paper/forget/kind",
        "user",
        {"allowed": ["file", "interactions", "one-user", "users"]},
    ),
    ("protocols", "protocols/paper/ratios/0", 1.5, {"what": "Input should be less than 1"}),
    (
        "protocols",
        "protocols/paper/ratios",
        [0.5, 0.5],
        {"place": "protocols.paper.ratios.2", "got": NOTHING, "what": "missing"},
    ),
    (
        "params",
        "backbones/bpr/module",
        "a-b",
        {"what": "String should match pattern '^[A-Za-z0-9_]+(\\.[A-Za-z0-9_]+)*$'"},
    ),
    (
        "params",
        "backbones/bpr/overrides",
        {"a/b": {"epochs": None}},
        {
            "place": "backbones.bpr.overrides.a/b.epochs",
            "got": None,
            "what": "no finite number, text, true or false",
        },
    ),
    (
        "params",
        "methods/retrain/options",
        {"n": [1]},
        {
            "place": "methods.retrain.options.n",
            "got": [1],
            "what": "no finite number, text, true or false",
        },
    ),
    ("tables", "tables/table2/mask", "C", {"allowed": ["A", "B"]}),
    ("tables", "tables/table2/cutoffs/1", 0, {"what": "Input should be greater than 0"}),
    (
        "datasets",
        "datasets/ml-1m/sources/0/url",
        "x",
        {"what": "String should match pattern '^https?://[^\\s/?#]+\\S*$'"},
    ),
]


@pytest.mark.parametrize(("file", "key", "value", "parts"), WRONG)
def test_wrong_value_names_the_key_as_the_file_has_it(shipped, file, key, value, parts):
    parts = {"place": key.replace("/", "."), "got": value} | parts
    assert_wrong(FILES[file][1], changed(shipped[file], {key: value}), **parts)


def test_wrong_value_is_one_sentence(shipped):
    data = changed(shipped["config"], {"seeds/0": "one", "device": "gpu"})
    assert list(map(str, problems(Settings, data))) == [
        "file.yaml: seeds.0: Input should be a valid integer, got 'one'; write it without quotes",
        "file.yaml: device: got 'gpu' (did you mean 'cpu'? allowed: auto, cpu, cuda)",
    ]


def test_unknown_kind_is_met_with_the_known_ones(shipped):
    data = changed(shipped["tables"], {"tables/table1/kind": "dataset"})
    known = "bias claims completeness datasets request-cost request-size unlearning-time utility"
    allowed = AtLeast(known.split())
    assert_wrong(Tables, data, "tables.table1.kind", got="dataset", allowed=allowed)


def test_empty_file_is_no_section():
    assert_wrong(Tables, None, "", got=None)


def test_unknown_key_in_a_section_that_may_be_left_out():
    class Inner(Frozen):
        word: str

    class Outer(Frozen):
        inner: Inner | None

    data = {"inner": {"word": "a", "wrd": 1}}
    assert_wrong(Outer, data, "inner.wrd", got="wrd", allowed=["word"])


def test_long_values_are_cut_and_line_breaks_are_not_printed():
    class Section(Frozen):
        word: str

    told = str(the_problem(Section, {"word": list(range(1000))}))
    assert "[0," in told
    assert len(told) < 250
    data = {"word": "a", "two\nlines": 1}
    assert_wrong(Section, data, "two lines", got="two\nlines", allowed=["word"])


def test_sections_are_read_only(shipped):
    forget = parse(Forget, {"kind": "file"}, "file.yaml")
    with pytest.raises(ValueError, match="frozen"):
        forget.kind = "users"


# --- one file: contradictions


@pytest.mark.parametrize(
    ("changes", "place", "got"),
    [
        ({"ratios": [0.7, 0.1, 0.1]}, "ratios", [0.7, 0.1, 0.1]),
        ({"order": "split-first"}, "order", "split-first"),
        ({"forget": {"kind": "one-user"}}, "order", "forget-first"),
        ({"forget": {"kind": "users"}}, "forget.fraction", None),
        ({"forget": {"kind": "file", "fraction": 0.1}}, "forget.fraction", 0.1),
    ],
)
def test_protocol_that_contradicts_itself(changes, place, got):
    good = {
        "title": "t",
        "order": "forget-first",
        "forget": {"kind": "users", "fraction": 0.1},
        "ratios": [0.7, 0.1, 0.2],
    }
    assert parse(Protocol, good, "file.yaml").ratios == (0.7, 0.1, 0.2)
    assert_wrong(Protocol, {**good, **changes}, place, got=got)


@pytest.mark.parametrize("run", ["raw", "llm", "logs", "benchmarks"])
def test_reserved_run_name(shipped, run):
    assert_wrong(Settings, changed(shipped["config"], {"run": run}), "run", got=run)


@pytest.mark.parametrize("key", ["datasets", "backbones", "methods", "seeds", "tables", "figures"])
def test_repeated_name(shipped, key):
    values = shipped["config"][key]
    data = changed(shipped["config"], {key: [*values, values[0]]})
    assert_wrong(Settings, data, key, got=[values[0]])


# --- YAML


def test_file_that_is_no_yaml(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("a: [1\nb: 2\n")
    with refused(place=f"{path}, line 2") as caught:
        load_yaml(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"a: \xff\n", None])
def test_file_that_cannot_be_read(tmp_path, content):
    path = tmp_path / "a.yaml"
    path.mkdir() if content is None else path.write_bytes(content)
    place, got = (path, NOTHING) if content is None else (f"{path}, line 1", b"\xff")
    with refused(place=place, got=got) as caught:
        load_yaml(path)
    assert "\n" not in str(caught.value)
