"""YAML as the configuration has it: keys once, values that are what they look like."""

import json

import pytest

from cragru.core.errors import NOTHING, CragruError
from cragru.written.yaml_text import load_text, load_yaml
from tests.refusals import assert_told, refused


def told(text):
    with pytest.raises(CragruError) as caught:
        load_text(text, "a.yaml")
    assert "\n" not in str(caught.value)
    return caught.value.problems


REPEATED = [  # by the line that repeats a key, the line of the first
    ("scoring: {llm: null}\nrun: a\nscoring: {tokens: 512}\n", "scoring", {3: 1}),
    ("a:\n  b: 1\n  c: 2\n  'b': 3\n  b: 4\n", "a.b", {4: 2, 5: 2}),
    ("a:\n  - {x: 1,\n     x: 2}\n", "a.0.x", {3: 2}),
    ("<<: {a: 1}\n<<: {b: 2}\n", "<<", {2: 1}),
]


@pytest.mark.parametrize(("text", "key", "lines"), REPEATED)
def test_repeated_key_names_all_its_lines(text, key, lines):
    problems = told(text)
    assert len(problems) == len(lines)
    for line, first in lines.items():
        what = f"is there in line {first} already"
        assert_told(problems, place=f"a.yaml, line {line}: {key}", what=what)


def test_a_repeated_key_is_one_sentence():
    (problem,) = told("a: 1\na: 2\n")
    assert str(problem) == "a.yaml, line 2: a: is there in line 1 already; keep one"


def test_all_problems_of_a_file_are_told_at_once():
    problems = told("a: 1\na: 2\nb: {c: no, c: 010}\n")
    assert len(problems) == 4
    assert_told(problems, place="a.yaml, line 2: a", got=NOTHING)
    assert_told(problems, place="a.yaml, line 3: b.c", got=NOTHING)
    assert_told(problems, place="a.yaml, line 3: b.c", got="no")
    assert_told(problems, place="a.yaml, line 3: b.c", got="010")


def test_what_an_alias_repeats_is_told_once():
    (problem,) = told("a: &x\n  b: 010\nc: *x\nd: [*x]\n")
    assert_told([problem], place="a.yaml, line 2: a.b", got="010")


def test_anchors_aliases_and_merges_are_yaml_s_own():
    text = "a: &shared {x: 1, y: 2}\nb: {<<: *shared, y: 3}\nc: *shared\n"
    assert load_text(text, "a.yaml") == {
        "a": {"x": 1, "y": 2},
        "b": {"x": 1, "y": 3},
        "c": {"x": 1, "y": 2},
    }


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("010", "int"),
        ("1_000", "int"),
        ("0b11", "int"),
        ("12:30", "int"),
        ("12:30.5", "float"),
        ("1_0.5", "float"),
        ("9" * 900, "int"),
        ("yes", "bool"),
        ("No", "bool"),
        ("on", "bool"),
        ("OFF", "bool"),
        ("1998-04-01", "timestamp"),
        ("2001-99-99", "timestamp"),
    ],
)
def test_value_that_is_not_what_it_looks_like(value, kind):
    wanted = {"got": value, "what": f"YAML reads it as {kind}"}
    assert_told(told(f"seeds: [{value}]\n"), place="a.yaml, line 1: seeds.0", **wanted)
    assert_told(told(f"seeds:\n- {value}\n"), place="a.yaml, line 2: seeds.0", **wanted)
    assert_told(told(f"{value}: a\n"), place="a.yaml, line 1", **wanted)
    assert load_text(f"'{value}'", "a.yaml") == value


def test_a_surprise_is_one_sentence():
    (problem,) = told("seeds: [010]")
    assert str(problem) == (
        "a.yaml, line 1: seeds.0: YAML reads it as int, got '010'; "
        "write true, false or a number in plain digits, or put it in quotes"
    )


def test_value_that_is_what_it_looks_like():
    text = "[0, -1, +2, 0x1F, 1.5, -0.5, 1.0e-3, true, False, ~, null, '', 1998-04, a, '1e3']"
    assert load_text(text, "a.yaml") == [
        *(0, -1, 2, 31, 1.5, -0.5, 0.001, True, False, None, None, "", "1998-04", "a", "1e3")
    ]
    assert load_text("a: \n", "a.yaml") == {"a": None}
    assert load_text("", "a.yaml") is None


@pytest.mark.parametrize(
    "text", ["1e-3", "1e-05", "1E5", "1e3", "1.5e3", "-.5", "+.5e2", "-1e+2", "2.E-1", "0e0"]
)
def test_numbers_of_yaml_1_2_and_json(text):
    value = load_text(f"a: [{text}]\n{text}: {text}", "a.yaml")
    assert value == {"a": [float(text)], float(text): float(text)}
    assert type(value["a"][0]) is float
    assert load_text(f"a: '{text}'", "a.yaml") == {"a": text}


@pytest.mark.parametrize("text", ["e3", "1e", "1e-", "1e3x", "1 e3", "089", ".", "1-3", "1.2.3"])
def test_text_that_only_starts_as_a_number(text):
    assert load_text(f"a: {text}", "a.yaml") == {"a": text}


def test_what_json_dump_writes_is_read_as_it_was():
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    content = {"a": [1e-05, 1.5e300, -2.5e-07, 3, 1e22, True, None], "label": family, "b": "1e-05"}
    assert load_text(json.dumps(content), "a.json") == content
    assert load_text(json.dumps("\ud83d a"), "a.json") == "\ud83d a"


def test_text_that_is_no_yaml_is_one_line():
    laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
    )
    for text in (laughs, "a: &a [*a]\n", "a: &a {b: *a}\n"):  # what holds itself is endless
        (problem,) = told(text)
        assert (problem.place, problem.what) == ("a.yaml", "too large")
    (problem,) = told("[" * 5000 + "]" * 5000)
    assert (problem.place, problem.what) == ("a.yaml", "nested too deeply")
    assert "python/object:os.system" in str(*told("a:\n  !!python/object:os.system {}\n"))
    assert_told(told("a: 1\n---\nb: 2\n"), place="a.yaml, line 2")
    assert_told(told("a: [1\nb: 2\n"), place="a.yaml, line 2")
    assert "#x0001" in str(*told("a: \x01\n"))


def test_a_file_of_many_values_that_is_no_bomb():
    text = "a: &a [x, x]\nb: [" + "*a, " * 30_000 + "]\n"
    assert len(load_text(text, "a.yaml")["b"]) == 30_000


def test_encodings(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfrun: caf\xc3\xa9\n")
    assert load_yaml(path) == {"run": "café"}
    for name in ("utf-16", "utf-16-be", "utf-16-le"):
        data = "run: a\n".encode(name)
        path.write_bytes(data if name == "utf-16" else ("\ufeff" + "run: a\n").encode(name))
        with refused(place=f"{path}, line 1", got="UTF-16", advice="save it in UTF-8"):
            load_yaml(path)
    for mark in (b"", b"\xef\xbb\xbf"):
        path.write_bytes(mark + b"run: a\nname: caf\xe9\n")
        with refused(place=f"{path}, line 2", got=b"\xe9", advice="save it in UTF-8"):
            load_yaml(path)
    with pytest.raises(CragruError, match="null") as caught:
        load_yaml("a\0b\n.yaml")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with refused(place=tmp_path / "a.yaml") as caught:
        load_yaml(tmp_path / "a.yaml")
    assert "No such file" in str(caught.value)


def test_json_is_yaml_but_for_its_tabs(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{\n\t"a": 1,\n\t"b": [true, null]\n}\n')
    assert load_yaml(path) == {"a": 1, "b": [True, None]}
    path.write_text('{\n\t"a": 1,\n\t"a": 2\n}\n')
    with refused(place=f"{path}, line 3: a", what="is there in line 2 already"):
        load_yaml(path)
