"""Columns of what is retrieved, apart from the code that retrieves, so that writing prompts needs no torch."""

CANDIDATES = {"user": "int32", "rank": "int32", "item": "int32", "score": "float32"}
"""The backbone's best items of each user, rank from 1."""

SELECTION = {"user": "int32", "row": "int32", "item": "int32"}
"""The rows of each user's remaining history that a strategy keeps."""
