"""Columns of metrics for per-user results made by hand, whatever metrics are registered."""

from cragru.evaluation.metrics import METRICS

REGISTERED = tuple(
    METRICS
)  # the columns of files, also where a test has taken further metrics out of tables


def metric_columns(**given):
    """A column for every metric: those given, and 0 for all others."""
    unknown = set(given) - set(REGISTERED)
    assert not unknown, f"not registered: {unknown}"
    return {name: given.get(name, 0.0) for name in REGISTERED}
