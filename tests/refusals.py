"""Hold an expected failure against the parts that it must name: words may change, facts may not."""

import contextlib

import pytest

from cragru.core.errors import CragruError


@contextlib.contextmanager
def refused(**parts):
    """Expect a `CragruError`, one of whose problems has these parts (`cragru.core.errors.Problem`).

    A place, or a wrong value, is equal; of `allowed` the names are, in any order. Yields pytest's information, for the
    tests that hold the sentence itself: one of each kind of error is enough.
    """
    with pytest.raises(CragruError) as caught:
        yield caught
    assert_told(caught.value.problems, **parts)


class AtLeast(frozenset):
    """Allowed names, to which somebody who extends cragru adds names (`docs/extending.md`)."""

    def __eq__(self, names):
        return self <= set(names or ())

    __hash__ = frozenset.__hash__


def assert_told(problems, **parts):
    """Assert that one of some problems has these parts."""
    parts = {name: _comparable(name, value) for name, value in parts.items()}
    found = [{name: _part(problem, name) for name in parts} for problem in problems]
    assert parts in found, [str(problem) for problem in problems]


def _part(problem, name):
    return _comparable(name, getattr(problem, name))


def _comparable(name, value):
    if name == "allowed" and value is not None:
        return value if isinstance(value, AtLeast) else sorted(value)
    return str(value) if name == "place" else value
