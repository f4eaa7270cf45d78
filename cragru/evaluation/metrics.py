"""The metrics of the evaluation: each is one function and one entry of `METRICS`, and stands wherever metrics do.

Tables, whose environment has no torch, read this module: functions use methods of their tensors alone, and one that
needs more imports it inside its body. No trainer imports this module, so a further metric trains nothing anew.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cragru.core.errors import CragruError
from cragru.ranking.hits import hit_ratio, ndcg

if TYPE_CHECKING:
    import numpy as np
    import torch

CUTOFFS = (1, 3, 5, 10, 20)  # K of what is kept for every user

BINARY, GRADED = "mcnemar", "wilcoxon"
TEST_LABELS = {GRADED: "Wilcoxon", BINARY: "McNemar"}
"""What notes call the paired tests; `cragru.evaluation.significance` has them."""

UTILITY, COMPLETENESS, FORGET_REMAIN = "utility", "completeness", "forget-remain"
TABLES = (UTILITY, COMPLETENESS, FORGET_REMAIN)
"""Kinds of tables and figures that list metrics: Table II and its differences, Table IV's CSV, Figure 3."""


@dataclass(frozen=True)
class Metric:
    """A metric of one user's ranked list; its values are 0 to 1, more is better.

    Attributes:
        label: What tables call the metric, without its K.
        function: From the hits `[B, K]` (bool, best place first), the numbers of relevant items `[B]` (int64, at least
            1) and the cut-off k to `[B]` float64; places beyond the hit matrix hold no hit.
        test: The paired test of differences, a key of `TEST_LABELS`: `BINARY` where every value is 0 or 1, else
            `GRADED`.
        tables: Where the metric stands, of `TABLES`; whatever stands here, every user's value is kept.

    Raises:
        CragruError: If the test or a table is not known.
    """

    label: str
    function: Callable[["torch.Tensor", "torch.Tensor", int], "torch.Tensor"]
    test: str
    tables: tuple[str, ...] = TABLES

    def __post_init__(self) -> None:
        """Refuse slips: a metric must not be left out of a table because of one."""
        place = f"metric {self.label!r}"
        if self.test not in TEST_LABELS:
            raise CragruError("unknown test", place=place, got=self.test, allowed=TEST_LABELS)
        for table in self.tables:
            if table not in TABLES:
                raise CragruError("unknown table", place=place, got=table, allowed=TABLES)


METRICS = {
    "hr": Metric("HR", lambda hits, _, k: hit_ratio(hits, k), BINARY),
    "ndcg": Metric("NDCG", ndcg, GRADED),
}
"""By the name of their columns, in the order of tables."""


def metrics_in(table: str) -> dict[str, Metric]:
    """Return the metrics that stand in a kind of table or figure (one of `TABLES`), by name."""
    return {name: metric for name, metric in METRICS.items() if table in metric.tables}


def values_of(
    metrics: dict[str, Metric], hits: "torch.Tensor", relevant: "torch.Tensor", k: int
) -> "dict[str, np.ndarray]":
    """Return each metric's values, `[B]` float64 by name; the tensors are those of `Metric.function`, on the CPU."""
    return {name: metric.function(hits, relevant, k).numpy() for name, metric in metrics.items()}
