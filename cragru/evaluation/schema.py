"""Columns of the evaluation's files, apart from the code that fills them, so that tables need no torch."""

CUTOFFS = (1, 3, 5, 10, 20)  # K of what is kept for every user

PER_USER = {"user": "int32", "mask": "object", "k": "int32", "hr": "float64", "ndcg": "float64", "relevant": "int32"}
