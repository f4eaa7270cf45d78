"""Columns of what is kept about forgetting, apart from the code that fills them, so that tables need no torch."""

from cragru.evaluation import metrics

LIST_LENGTH = 10  # of the lists that Table IV looks at
FIGURE_CUTOFFS = (1, 3, 5)  # K of Figure 3
GROUPS = ("forget", "remain")  # Figure 3's two sets

OF_METRIC = {
    name: f"forget-{name}@{LIST_LENGTH}" for name in metrics.metrics_in(metrics.COMPLETENESS)
}
"""What a metric is called where forgotten rows are what is relevant."""

MEASURES = (
    *OF_METRIC.values(),
    "rank-change",
    "decline-ratio",
    f"overlap@{LIST_LENGTH}",
    "js",
)
"""What `cragru.evaluation.completeness` measures for a user; there it says what each means and which mask it takes."""

AGREEMENT = MEASURES[-2:]  # with Retrain; the others look at forgotten rows
NEED_SCORES = ("js",)  # not defined for a scorer that only knows an order

MODEL = "model"  # the variant of a file that has one alone
VARIANT = {"variant": "object"}
"""Stands before the columns below in files: `MODEL`, or one of `cragru.llm.reranking.VARIANTS`."""

MEMBERSHIP = {
    "user": "int32",
    "member": "bool",
    "percentile": "float64",
    "calibrated": "float64",
    "fifth": "int8",
}
"""Each forgotten row (a member) and each held-out positive of the same users: where it stands, 0 last and 1 first; its
score less Retrains', in standard deviations of the user's scores (missing for a re-ranked list, which has none); and
how popular its item is, 1 for the items that hold the first fifth of the training rows, 5 for the last."""

COMPLETENESS = {"user": "int32", "measure": "object", "value": "float64"}
"""One row per user and measure of `MEASURES`; a measure that a user has no rows for is not there."""

FORGET_REMAIN = {
    "user": "int32",
    "group": "object",
    "k": "int32",
    **dict.fromkeys(metrics.metrics_in(metrics.FORGET_REMAIN), "float64"),
}
"""Metrics of equally many forgotten and remaining rows of each user; `group` is one of `GROUPS`."""
