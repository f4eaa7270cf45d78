"""YAML as the configuration has it: keys once, values that are what they look like."""

import pytest

from cragru.core.errors import CragruError
from cragru.written.yaml_text import load_text, load_yaml


def told(text):
    with pytest.raises(CragruError) as caught:
        load_text(text, "a.yaml")
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "scoring: {llm: null}\nrun: a\nscoring: {tokens: 512}\n",
            "a.yaml: scoring: is there twice, in line 1 and line 3; keep one",
        ),
        (
            "a:\n  b: 1\n  c: 2\n  'b': 3\n  b: 4\n",
            "a.yaml: a.b: is there 3 times, in line 2 and line 4 and line 5; keep one",
        ),
        (
            "a:\n  - {x: 1,\n     x: 2}\n",
            "a.yaml: a.0.x: is there twice, in line 2 and line 3; keep one",
        ),
        ("<<: {a: 1}\n<<: {b: 2}\n", "a.yaml: <<: is there twice, in line 1 and line 2; keep one"),
    ],
)
def test_repeated_key_names_all_its_lines(text, said):
    assert told(text) == said


def test_all_problems_of_a_file_are_told_at_once():
    said = told("a: 1\na: 2\nb: {c: no, c: 010}\n")
    assert said.count("a.yaml: ") == 4
    for part in ("a: is there twice", "b.c: is there twice", "b.c: got no ", "b.c: got 010 "):
        assert part in said


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
        ("010", "a number"),
        ("1_000", "a number"),
        ("0b11", "a number"),
        ("12:30", "a number"),
        ("12:30.5", "a number"),
        ("1_0.5", "a number"),
        ("9" * 900, "a number"),
        ("yes", "a truth value"),
        ("No", "a truth value"),
        ("on", "a truth value"),
        ("OFF", "a truth value"),
        ("1998-04-01", "a date"),
        ("2001-99-99", "a date"),
    ],
)
def test_value_that_is_not_what_it_looks_like(value, kind):
    for text in (f"seeds: [{value}]\n", f"{value}: a\n"):
        said = told(text)
        assert f"got {value[:20]}" in said
        assert f"(line 1), which YAML takes for {kind}; " in said
    assert told(f"seeds:\n- {value}\n").startswith("a.yaml: seeds.0: got")
    assert load_text(f"'{value}'", "a.yaml") == value


def test_value_that_is_what_it_looks_like():
    text = "[0, -1, +2, 0x1F, 1.5, -0.5, 1.0e-3, true, False, ~, null, '', 1e3, 1998-04, a]"
    assert load_text(text, "a.yaml") == [
        *(0, -1, 2, 31, 1.5, -0.5, 0.001, True, False, None, None, "", "1e3", "1998-04", "a")
    ]
    assert load_text("a: \n", "a.yaml") == {"a": None}
    assert load_text("", "a.yaml") is None


def test_text_that_is_no_yaml_is_one_line():
    laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
    )
    assert "holds more than 100000 values" in told(laughs)
    assert "nested too deeply" in told("a: &a [*a]\n")
    assert "nested too deeply" in told("[" * 5000 + "]" * 5000)
    assert "could not determine a constructor" in told("a: !!python/object:os.system {}\n")
    assert "expected a single document" in told("a: 1\n---\nb: 2\n")
    assert "special characters are not allowed" in told("a: \x01\n")


def test_encodings(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfrun: caf\xc3\xa9\n")
    assert load_yaml(path) == {"run": "café"}
    for name in ("utf-16", "utf-16-be", "utf-16-le"):
        data = "run: a\n".encode(name)
        path.write_bytes(data if name == "utf-16" else ("\ufeff" + "run: a\n").encode(name))
        with pytest.raises(
            CragruError, match=f"^{path}: not a readable text file: it is UTF-16; save it as UTF-8$"
        ):
            load_yaml(path)
    path.write_bytes(b"run: caf\xe9\n")
    with pytest.raises(CragruError, match=r"not a readable text file .*utf-8"):
        load_yaml(path)
    with pytest.raises(CragruError, match="not a readable text file") as caught:
        load_yaml("a\0b\n.yaml")
    assert "\n" not in str(caught.value)


def test_json_is_yaml_but_for_its_tabs(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{\n\t"a": 1,\n\t"b": [true, null]\n}\n')
    assert load_yaml(path) == {"a": 1, "b": [True, None]}
    path.write_text('{\n\t"a": 1,\n\t"a": 2\n}\n')
    with pytest.raises(CragruError, match=r"a: is there twice, in line 2 and line 3; keep one$"):
        load_yaml(path)
