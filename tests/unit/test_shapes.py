import pytest

from cragru.kept.shapes import misfit

COST = {"seconds": float, "device": str, "stages": dict[str, float], "parts": [int]}
RIGHT = {"seconds": 2, "device": "cpu", "stages": {"train": 1.5}, "parts": [1, 2], "more": None}


def test_a_record_that_fits_may_hold_more():
    assert misfit(RIGHT, COST) is None


@pytest.mark.parametrize(
    ("change", "where", "got"),
    [
        ({"seconds": "2"}, "$.seconds", "str"),
        ({"seconds": True}, "$.seconds", "bool"),
        ({"device": None}, "$.device", "null"),
        ({"stages": []}, "$.stages", "array"),
        ({"stages": {"train": [1]}}, "$.stages[...]", "array"),
        ({"parts": {"a": 1}}, "$.parts", "object"),
        ({"parts": [1, 2.0]}, "$.parts[1]", "float"),
        ({"parts": [False]}, "$.parts[0]", "bool"),
    ],
)
def test_where_a_record_does_not_fit(change, where, got):
    wrong = misfit(RIGHT | change, COST)
    assert wrong.endswith(f"`{where}`")
    assert f"`{got}`" in wrong


def test_what_is_missing_is_named_with_its_key_path():
    wrong = misfit({"parts": [{}]}, {"parts": [{"rows": int}]})
    assert "`rows`" in wrong
    assert wrong.endswith("`$.parts[0]`")


@pytest.mark.parametrize(
    ("value", "kind"), [([], "array"), ("text", "str"), (3, "int"), (None, "null")]
)
def test_the_whole_must_be_an_object(value, kind):
    for shape in ({"a": int}, dict):
        assert misfit(value, shape).endswith(f"`{kind}`")


def test_alternatives():
    shape = {"parallel": float | None}
    assert misfit({"parallel": None}, shape) is None
    assert misfit({"parallel": 1}, shape) is None
    assert misfit({"parallel": "1"}, shape).endswith("`$.parallel`")
