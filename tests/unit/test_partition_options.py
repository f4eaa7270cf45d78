"""A partition's options: slips are refused, what is left out is as documented, and each does something."""

import numpy as np
import pytest
from partition_world import random_problem

from cragru.plugins.options import read_options
from cragru.unlearning.partition import balanced, bekm, blpa, random
from tests.refusals import refused

NAN, INF = float("nan"), float("inf")


AT_LEAST, AT_MOST = (f"Input should be {most} than or equal to" for most in ("greater", "less"))
NUMBER = "Input should be a valid number"


@pytest.mark.parametrize(
    ("module", "given", "name", "parts"),
    [
        (random, {}, "unit", {"what": "missing"}),
        (random, {"units": "users"}, "unit", {"what": "missing"}),
        (random, {"units": "users"}, "units", {"got": "units", "allowed": ["unit"]}),
        (
            random,
            {"units": "users", "unit": "users"},
            "units",
            {"got": "units", "allowed": ["unit"]},
        ),
        (random, {"unit": 1}, "unit", {"got": 1, "allowed": ["interactions", "users"]}),
        (random, {"unit": "user"}, "unit", {"got": "user", "allowed": ["interactions", "users"]}),
        (blpa, {"slak": 9}, "slak", {"allowed": ["capacity_on", "iterations", "slack"]}),
        (blpa, {"slack": "0.1"}, "slack", {"got": "0.1", "what": NUMBER}),
        (blpa, {"slack": -0.1}, "slack", {"got": -0.1, "what": f"{AT_LEAST} 0"}),
        (blpa, {"slack": 5}, "slack", {"got": 5, "what": f"{AT_MOST} 1"}),
        (blpa, {"slack": NAN}, "slack", {"got": NAN, "what": "Input should be a finite number"}),
        (blpa, {"iterations": 0}, "iterations", {"got": 0, "what": f"{AT_LEAST} 1"}),
        (
            blpa,
            {"iterations": 2.5},
            "iterations",
            {"got": 2.5, "what": "Input should be a valid integer"},
        ),
        (blpa, {"capacity_on": "row"}, "capacity_on", {"got": "row", "allowed": ["rows", "users"]}),
        (blpa, {"tolerance": 1.0}, "tolerance", {"got": "tolerance"}),
        (
            bekm,
            {"slak": 9},
            "slak",
            {"allowed": ["capacity_on", "iterations", "slack", "tolerance"]},
        ),
        (bekm, {"slack": True}, "slack", {"got": True, "what": NUMBER}),
        (bekm, {"slack": 1.1}, "slack", {"got": 1.1, "what": f"{AT_MOST} 1"}),
        (bekm, {"iterations": 0}, "iterations", {"got": 0, "what": f"{AT_LEAST} 1"}),
        (bekm, {"tolerance": -1}, "tolerance", {"got": -1, "what": f"{AT_LEAST} 0"}),
        (
            bekm,
            {"capacity_on": "user"},
            "capacity_on",
            {"got": "user", "allowed": ["rows", "users"]},
        ),
        (balanced, {"capacity": 1.2}, "unit", {"what": "missing"}),
        (balanced, {"unit": "users", "slack": 0.1}, "slack", {"got": "slack"}),
        (balanced, {"unit": "rows"}, "unit", {"got": "rows", "allowed": ["interactions", "users"]}),
        (
            balanced,
            {"unit": "users", "capacity": "all"},
            "capacity",
            {"got": "all", "what": NUMBER},
        ),
        (
            balanced,
            {"unit": "users", "capacity": 0.9},
            "capacity",
            {"got": 0.9, "what": f"{AT_LEAST} 1"},
        ),
        (
            balanced,
            {"unit": "users", "capacity": INF},
            "capacity",
            {"got": INF, "what": "Input should be a finite number"},
        ),
        (
            balanced,
            {"unit": "users", "iterations": 0},
            "iterations",
            {"got": 0, "what": f"{AT_LEAST} 1"},
        ),
    ],
)
def test_wrong_options_are_refused(module, given, name, parts):
    with refused(place=f"{module.__name__}: {name}", **parts) as caught:
        module.partition(random_problem(1, **given))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("module", "given", "wanted"),
    [
        (random, {"unit": "interactions"}, random.Options(unit="interactions")),
        (blpa, {}, blpa.Options(capacity_on="rows", slack=0.005, iterations=100)),
        (
            blpa,
            {"slack": 1, "capacity_on": "users"},
            blpa.Options(capacity_on="users", slack=1.0, iterations=100),
        ),
        (bekm, {}, bekm.Options(capacity_on="rows", slack=0.005, iterations=20, tolerance=0.0)),
        (
            bekm,
            {"slack": 0, "iterations": 1, "tolerance": 2},
            bekm.Options(capacity_on="rows", slack=0.0, iterations=1, tolerance=2.0),
        ),
        (balanced, {"unit": "users"}, balanced.Options(unit="users", capacity=1.2, iterations=15)),
        (
            balanced,
            {"unit": "interactions", "capacity": 1},
            balanced.Options(unit="interactions", capacity=1.0, iterations=15),
        ),
    ],
)
def test_options_that_are_left_out_have_the_documented_values(module, given, wanted):
    assert read_options(module.Options, given) == wanted


def test_every_option_has_an_effect():
    """Each is read by what runs, and not only by the dataclass."""
    few, many = {"slack": 0.3, "iterations": 1}, {"slack": 0.3}
    pairs = [
        (random, {"unit": "users"}, {"unit": "interactions"}),
        (blpa, few, many),
        (blpa, many, {"slack": 0.05}),
        (blpa, many, many | {"capacity_on": "users"}),
        (bekm, few, many),
        (bekm, many, {"slack": 0.05}),
        (bekm, {"slack": 0.05}, {"slack": 0.05, "capacity_on": "users"}),
        (bekm, many, many | {"tolerance": 1e9}),
        (balanced, {"unit": "users"}, {"unit": "interactions"}),
        (balanced, {"unit": "users"}, {"unit": "users", "capacity": 2.0}),
        (balanced, {"unit": "users"}, {"unit": "users", "iterations": 1}),
    ]
    for module, *both in pairs:
        one, other = (module.partition(random_problem(5, **options)).train for options in both)
        assert not np.array_equal(one, other), (module, both)
