"""Columns of the files that Table V is made of, apart from the code that fills them, so that tables need no torch."""

LIST_LENGTH = 10  # of the lists, and K of the NDCG beside them
MASK = "B"  # of both: nothing that was seen, and nothing that was forgotten

USER_GROUPS = {"user": "int32", "group": "object", "training_rows": "int32"}
"""One row per user of the data set; `group` as `cragru.evaluation.groups.user_groups` has it."""

ITEM_ROWS = {"item": "int32", "training_rows": "int32"}
"""One row per item of the data set."""

LISTS = {"user": "int32", "rank": "int32", "item": "int32"}
"""What is recommended to each user with a test row, rank from 1."""
