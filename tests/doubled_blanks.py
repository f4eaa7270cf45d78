"""Double every blank of every error, to count the tests that hold sentences instead of facts.

python -m pytest -n 2 -p tests.doubled_blanks -m "not slow"
"""

from cragru.core import errors


def pytest_configure() -> None:
    """Double the blanks where lines are made of problems."""
    as_line = errors.Problem.__str__
    errors.Problem.__str__ = lambda self: as_line(self).replace(" ", "  ")
