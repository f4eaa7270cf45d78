import pytest

from cragru.kept.shapes import Each, misfit

COST = {"seconds": float, "device": str, "stages": Each(float), "parts": [int]}
RIGHT = {"seconds": 2, "device": "cpu", "stages": {"train": 1.5}, "parts": [1, 2], "more": None}


def test_a_record_that_fits_may_hold_more():
    assert misfit(RIGHT, COST) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seconds": "2"}, "seconds: got '2', expected a number"),
        ({"seconds": True}, "seconds: got True, expected a number"),
        ({"device": None}, "device: got None, expected text"),
        ({"stages": []}, "stages: got [], expected an object"),
        ({"stages": {"train": [1]}}, "stages.train: got [1], expected a number"),
        ({"parts": {"a": 1}}, "parts: got {'a': 1}, expected a list"),
        ({"parts": [1, 2.0]}, "parts[1]: got 2.0, expected a whole number"),
        ({"parts": [False]}, "parts[0]: got False, expected a whole number"),
    ],
)
def test_where_a_record_does_not_fit(change, said):
    assert misfit(RIGHT | change, COST) == said


def test_what_is_missing_is_named_with_its_key_path():
    assert misfit({"parts": {"train": {}}}, {"parts": Each({"rows": int})}) == (
        "parts.train.rows: missing"
    )


@pytest.mark.parametrize("value", [[], "text", 3, None])
def test_the_whole_must_be_an_object(value):
    assert misfit(value, {"a": int}) == f"the whole: got {value!r}, expected an object"
    assert misfit(value, dict) == f"the whole: got {value!r}, expected an object"


def test_alternatives():
    shape = {"parallel": (float, type(None))}
    assert misfit({"parallel": None}, shape) is None
    assert misfit({"parallel": 1}, shape) is None
    assert misfit({"parallel": "1"}, shape) == "parallel: got '1', expected a number or null"


def test_a_long_value_is_shortened():
    assert misfit({"a": "x" * 1000}, {"a": int}) == f"a: got '{'x' * 59}…, expected a whole number"
