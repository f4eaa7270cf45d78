"""Models of tables.yaml and figures.yaml: what each table and figure shows."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from cragru.config.base import Frozen
from cragru.config.models import Name

LeastUsers = Annotated[int, Field(ge=2, description="a number of fewer users is blank")]


class DatasetsTable(Frozen):
    """A table of data set statistics (the paper's Table I)."""

    kind: Literal["datasets"]
    caption: str
    label: str
    paper: str | None = Field(default=None, description="CSV of printed values, relative to the repository")


class UtilityTable(Frozen):
    """A table of ranking quality (the paper's Table II)."""

    kind: Literal["utility"]
    caption: str
    label: str
    protocol: Name
    mask: Literal["A", "B"]
    cutoffs: list[PositiveInt] = Field(min_length=1)
    paper: str | None = Field(default=None, description="CSV of printed values, relative to the repository")
    least_users: PositiveInt = Field(default=200, description="no bold or underline in a panel of fewer users")
    panel: bool = Field(default=False, description="whether CRAGRU is shown, in a second panel of the cohort's users")
    again: Name | None = Field(
        default=None,
        description="the method that is Retrain with other random streams: differences stand beside its own from "
        "Retrain; null: no tests of differences",
    )


class CostTable(Frozen):
    """A table of what a request costs CRAGRU."""

    kind: Literal["request-cost"]
    caption: str
    label: str
    protocol: Name


class TimeTable(Frozen):
    """A table of what single requests take (the paper's Table III)."""

    kind: Literal["unlearning-time"]
    caption: str
    label: str
    protocol: Name
    paper: str | None = Field(default=None, description="CSV of printed values, relative to the repository")
    cragru: bool = Field(
        description="whether CRAGRU is shown: it answers each request with the run's LLM, if it has one"
    )


class CompletenessTable(Frozen):
    """A table of what is still known of the forgotten rows ("Table IV"; the paper's RQ3)."""

    kind: Literal["completeness"]
    caption: str
    label: str
    protocol: Name
    again: Name = Field(
        description="the method that is Retrain with other random streams: what Retrain is held against"
    )
    panel: bool = Field(default=False, description="whether CRAGRU is shown, in a second panel of the cohort's users")
    sources: list[Literal["original", "retrain"]] = Field(
        default=[],
        description="whose candidates CRAGRU is measured with beside retrieval.sources: whole histories, on the "
        "backbones of scoring.compare_on. Retrain's hold nothing that was learnt from forgotten rows",
    )
    least_users: LeastUsers = 20


class BiasTable(Frozen):
    """A table of whom unlearning hurt ("Table V"): NDCG@10 and lists of ten under mask B."""

    kind: Literal["bias"]
    caption: str
    label: str
    protocol: Name
    again: Name = Field(description="the method that is Retrain with other random streams: the null of every number")
    least_users: LeastUsers = 20


class ClaimsTable(Frozen):
    """A table of the paper's headline claims, computed."""

    kind: Literal["claims"]
    caption: str
    label: str
    utility: Name = Field(description="the table of ranking quality that they are taken from; it has a cohort's panel")
    time: Name = Field(description="the table of single requests that they are taken from; it has CRAGRU")
    cutoff: PositiveInt = Field(description="K of NDCG@K")
    least_users: LeastUsers = 20


class SizeTable(Frozen):
    """A table of what methods take for a small and for a large request (the paper's Section V-C)."""

    kind: Literal["request-size"]
    caption: str
    label: str
    time: Name = Field(description="the table of single requests that the small one is taken from")
    protocol: Name = Field(description="the protocol of the large request")


AnyTable = Annotated[
    DatasetsTable | UtilityTable | CostTable | TimeTable | CompletenessTable | BiasTable | ClaimsTable | SizeTable,
    Field(discriminator="kind"),
]


class Tables(Frozen):
    """The file tables.yaml."""

    tables: dict[Name, AnyTable]


class StrategiesFigure(Frozen):
    """A figure that compares retrieval strategies (the paper's Figure 4)."""

    kind: Literal["strategies"]
    caption: str
    protocol: Name
    mask: Literal["A", "B"]
    cutoffs: list[PositiveInt] = Field(min_length=1)
    rivals: list[Name] = Field(
        default=[],
        description="methods to stand beside, by their names in params.yaml; those that the run has are drawn",
    )


class ForgetRemainFigure(Frozen):
    """A figure of the forget set beside the remain set (the paper's Figure 3)."""

    kind: Literal["forget-remain"]
    caption: str
    protocol: Name
    again: Name = Field(description="the method that is Retrain with other random streams")
    rivals: list[Name] = Field(
        description="methods to stand between the original and CRAGRU; those that the run has are drawn"
    )


AnyFigure = Annotated[StrategiesFigure | ForgetRemainFigure, Field(discriminator="kind")]


class Figures(Frozen):
    """The file figures.yaml."""

    figures: dict[Name, AnyFigure]
