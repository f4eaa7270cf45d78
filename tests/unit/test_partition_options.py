"""A partition's options: slips are refused, what is left out is as documented, and each does something."""

import numpy as np
import pytest
from partition_world import random_problem

from cragru.errors import CragruError
from cragru.unlearning.options import read_options
from cragru.unlearning.partition import balanced, bekm, blpa, random


@pytest.mark.parametrize(
    ("module", "given", "message"),
    [
        (random, {}, "option 'unit' is missing; give it in config/params.yaml"),
        (random, {"units": "users"}, r"unknown option 'units' \(did you mean 'unit'\? allowed: unit\)"),
        (random, {"unit": 1}, "option unit is 1; it must be of type str"),
        (random, {"unit": "user"}, r"option unit is 'user'; did you mean 'users'\? allowed: interactions, users;"),
        (blpa, {"slak": 9}, r"unknown option 'slak' \(did you mean 'slack'\? allowed: capacity_on, iter"),
        (blpa, {"slack": "0.1"}, "option slack is '0.1'; it must be of type float"),
        (blpa, {"slack": -0.1}, "option slack is -0.1, must be from 0 to 1; set it in config/params"),
        (blpa, {"slack": 5}, "option slack is 5.0, must be from 0 to 1"),
        (blpa, {"slack": float("nan")}, "option slack is nan, must be from 0 to 1"),
        (blpa, {"iterations": 0}, "option iterations is 0, must be at least 1"),
        (blpa, {"iterations": 2.5}, "option iterations is 2.5; it must be of type int"),
        (blpa, {"capacity_on": "row"}, r"option capacity_on is 'row'; did you mean 'rows'\? allowed: rows,"),
        (blpa, {"tolerance": 1.0}, "unknown option 'tolerance'"),
        (bekm, {"slak": 9}, r"unknown option 'slak' \(did you mean 'slack'\? allowed: capacity_on, iter"),
        (bekm, {"slack": True}, "option slack is True; it must be of type float"),
        (bekm, {"slack": 1.1}, "option slack is 1.1, must be from 0 to 1"),
        (bekm, {"iterations": 0}, "option iterations is 0, must be at least 1"),
        (bekm, {"tolerance": -1}, "option tolerance is -1.0, must be at least 0"),
        (bekm, {"capacity_on": "user"}, r"option capacity_on is 'user'; did you mean 'users'\? allowed"),
        (balanced, {"capacity": 1.2}, "option 'unit' is missing; give it in config/params.yaml"),
        (balanced, {"unit": "users", "slack": 0.1}, "unknown option 'slack'"),
        (balanced, {"unit": "rows"}, "option unit is 'rows'; allowed: interactions, users; set it"),
        (balanced, {"unit": "users", "capacity": "all"}, "option capacity is 'all'; it must be of"),
        (balanced, {"unit": "users", "capacity": 0.9}, "option capacity is 0.9, must be at least 1 and finite"),
        (balanced, {"unit": "interactions", "capacity": 0.9}, "option capacity is 0.9, must be at least 1 and finite"),
        (balanced, {"unit": "users", "capacity": float("inf")}, "option capacity is inf, must be"),
        (balanced, {"unit": "users", "iterations": 0}, "option iterations is 0, must be at least 1"),
    ],
)
def test_wrong_options_are_refused(module, given, message):
    with pytest.raises(CragruError, match=f"^partition {module.__name__.rpartition('.')[2]}: {message}") as refused:
        module.partition(random_problem(1, **given))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("module", "given", "wanted"),
    [
        (random, {"unit": "interactions"}, random.Options("interactions")),
        (blpa, {}, blpa.Options("rows", 0.005, 100)),
        (blpa, {"slack": 1, "capacity_on": "users"}, blpa.Options("users", 1.0, 100)),
        (bekm, {}, bekm.Options("rows", 0.005, 20, 0.0)),
        (bekm, {"slack": 0, "iterations": 1, "tolerance": 2}, bekm.Options("rows", 0.0, 1, 2.0)),
        (balanced, {"unit": "users"}, balanced.Options("users", 1.2, 15)),
        (balanced, {"unit": "interactions", "capacity": 1}, balanced.Options("interactions", 1.0, 15)),
    ],
)
def test_options_that_are_left_out_have_the_documented_values(module, given, wanted):
    assert read_options(module.Options, given, module.WHERE) == wanted


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
