"""Options that several retrieval strategies share. Nothing heavy is imported: params.yaml is checked by it."""

from pydantic import Field

from cragru.plugins.options import BaseOptions


class CategoryOptions(BaseOptions):
    """What a strategy by categories takes.

    Attributes:
        categories: How many clusters of items; cut to the number of distinct items (`cragru.retrieval.categories`).
    """

    categories: int = Field(ge=1)
