"""Columns of the evaluation's files, apart from the code that fills them, so that tables need no torch."""

from cragru.evaluation.metrics import METRICS

PER_USER = {
    "user": "int32",
    "mask": "object",
    "k": "int32",
    **dict.fromkeys(METRICS, "float64"),
    "relevant": "int32",
}
