"""Columns of the files of printed values, by the kind of table that shows them beside ours."""

from cragru.evaluation.metrics import METRICS
from cragru.written.printed import PrintedColumns

OF_DATASETS = PrintedColumns(
    labels=("dataset",),
    values=("users", "items", "interactions", "avg_interactions", "sparsity_percent"),
)
OF_UTILITY = PrintedColumns(
    labels=("dataset", "backbone", "method"), values=tuple(METRICS), whole=("k",)
)
OF_TIMES = PrintedColumns(labels=("dataset", "backbone", "method"), values=("unlearning_seconds",))
