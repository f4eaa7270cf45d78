"""Models of the configuration files: what a run is, how data are forgotten, hyper-parameters.

The JSON schemas under `workflow/schemas/` are generated from these (`python -m cragru.plan.schema`).
"""

import fnmatch
import math
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PositiveInt, model_validator

from cragru.config.base import Frozen
from cragru.config.types import (
    TOP_FOLDERS,
    InputPlace,
    Label,
    Line,
    Module,
    Name,
    Place,
    VariantName,
    distinct,
    free_of,
)
from cragru.core.errors import CragruError
from cragru.core.names import AT_RANDOM, CONTROLS, FORMS, FUSIONS, LISTWISE, NO_FUSION, SPLITS

DISTINCT = AfterValidator(distinct)
Run = Annotated[Name, free_of(*TOP_FOLDERS)]
Names = Annotated[list[Name], DISTINCT]
VariantNames = Annotated[list[VariantName], DISTINCT]
Models = Annotated[list[Literal["original", "retrain"]], DISTINCT]
# neither a folder of a data set, nor of a run, which may be called as the data set is
_FREE = free_of("prepared", "tables", "figures", "certificates")
ProtocolName = Annotated[Name, _FREE]
RequestName = BackboneName = Annotated[Name, free_of("split", "cohorts")]
MethodName = Annotated[Name, free_of("cragru", "groups", "original")]
CohortName = Annotated[Name, free_of("requester")]
MOST_JOBS = 10_000  # that one number of the configuration asks for; more is a slip
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Fraction = Annotated[float, Field(gt=0, lt=1)]


def _check_option(value: Any) -> Any:
    """Refuse what no option is, at once: a union of types would refuse it once for each type."""
    is_endless = isinstance(value, float) and not math.isfinite(value)
    if is_endless or not isinstance(value, float | int | str):
        raise CragruError("no finite number, text, true or false", got=value)
    return value


Option = Annotated[float | int | str | bool, BeforeValidator(_check_option)]
SHARES = "interactions and users are forgotten by a fraction, the others without"  # an advice
ORDERS = "forget interactions and users first, and split first for requests"  # an advice
IN_TURN = "only requests from files come one after the other"  # an advice
PATTERNS = "options on some data sets and backbones, by glob `dataset/backbone`; the last pattern that matches wins"


class Requests(Frozen):
    """Deletion requests of the protocols that serve them one at a time."""

    one_user: PositiveInt = Field(
        le=MOST_JOBS,
        description="how many random users the protocol `one-user` deletes, each on its own",
    )
    files: dict[RequestName, InputPlace] = Field(
        description="deletion requests by their names, in their order: of each a CSV with columns `user,item`"
    )
    protocol: Name = Field(
        description="how `snakemake requests` serves them: `from-file` in turn, `from-file-alone` each alone"
    )


class Retrieval(Frozen):
    """What CRAGRU retrieves for a user."""

    candidates_of: Models = Field(
        min_length=1,
        description="whose candidates are re-ranked; the paper takes the original model's",
    )
    strategies: VariantNames = Field(
        min_length=1, description="retrieval strategies, by their names in params.yaml"
    )
    candidates: PositiveInt = Field(description="length of the candidate list (eq. 1)")
    history: PositiveInt = Field(
        description="K, the most interactions of a user that a strategy keeps; a strategy with `whole` keeps all"
    )


class Scoring(Frozen):
    """How an LLM scores what was retrieved."""

    llm: Name | None = Field(
        description="which one, by its name in llms.yaml; null leaves the LLM out of all tables"
    )
    cohort: Name = Field(description="whom it scores, by a name in `cohorts`")
    cohorts: dict[CohortName, PositiveInt | None] = Field(
        description="how many users each has; null: every user who can be judged. All are prefixes of one random order"
    )
    form: Literal[FORMS] = Field(
        default=LISTWISE,
        description="how candidates are scored: listwise: one JSON object for all (the paper's); likelihood: how "
        "likely their titles are; labels: a letter for each; encoder: the model's vectors are compared",
    )
    fusion: Literal[FUSIONS] = Field(
        default=NO_FUSION,
        description="what orders the candidates: none: the LLM's scores (the paper's); validation: these and the "
        "backbone's, weighted on validation lists",
    )
    controls: Annotated[list[Literal[CONTROLS]], DISTINCT] = Field(
        default=list(CONTROLS),
        description="rows beside CRAGRU's: shuffled: candidates shown in random order; without an LLM, popularity: "
        "counts in train, and content: a regression on backbone, counts, genres and years",
    )
    compare_on: VariantNames = Field(
        description="backbones on which all strategies are compared (Figure 4)"
    )
    compare_form: Literal[FORMS] | None = Field(
        default=None, description="how they are scored there; null: as `form` says"
    )
    compare_cohort: Name | None = Field(
        default=None, description="whose candidates are scored there; null: as `cohort` says"
    )
    tokens: PositiveInt | None = Field(
        description="most tokens of a prompt; null: what the model's context leaves beside the longest answer"
    )
    show_ratings: bool = Field(
        description="whether history lines tell the rating, scaled to 100; the paper's do not"
    )
    natural_titles: bool = Field(
        default=False,
        description="whether prompts have `The Usual Suspects` for `Usual Suspects, The`; the paper's do not",
    )
    chunk: PositiveInt = Field(
        description="users scored at once; another number may give other answers"
    )
    batch: Literal["state", "cell"] = Field(
        description="state: one engine start for all cells of a data set, protocol and seed; "
        "cell: one for each, so that one table needs its own cells only"
    )
    jobs: PositiveInt = Field(
        le=MOST_JOBS, description="how many jobs share the chunks of a batch, one GPU each"
    )

    @model_validator(mode="after")
    def _cohorts_are_there(self) -> "Scoring":
        for key in ("cohort", "compare_cohort"):
            got = getattr(self, key) or self.cohort
            if got not in self.cohorts:
                raise CragruError("unknown name", place=key, got=got, allowed=self.cohorts)
        return self


class Files(Frozen):
    """Where the other configuration files are; how a path is read: `cragru.written.paths`."""

    datasets: Place = Field(description="the data sets, and where each comes from")
    protocols: Place = Field(description="the ways to forget and to split")
    params: Place = Field(
        description="backbones, partitions, methods and strategies, with their options"
    )
    tables: Place = Field(description="the tables")
    figures: Place = Field(description="the figures")
    llms: Place = Field(description="the language models")


Overlay = Annotated[dict[str, Any], Field(default={}, description="content as the file has it")]


class Overlays(Frozen):
    """What is laid over the files for this run: sections are merged, all else is replaced."""

    datasets: Overlay
    protocols: Overlay
    params: Overlay
    tables: Overlay
    figures: Overlay
    llms: Overlay


class Settings(Frozen):
    """One run: the grid that its tables are made of."""

    run: Run = Field(
        description="name of the run; its tables are written to `results/{run}/tables`"
    )
    datasets: Names = Field(min_length=1, description="data sets, by their names in datasets.yaml")
    backbones: VariantNames = Field(
        min_length=1,
        description="recommenders, by their names in params.yaml; with other options: `bpr@dimensions=128`",
    )
    methods: VariantNames = Field(
        min_length=1,
        description="unlearning methods, by their names in params.yaml; with other options: `scif@damping=10`",
    )
    seeds: Annotated[list[Seed], DISTINCT] = Field(
        min_length=1, description="one repetition of everything for each"
    )
    trainings: int = Field(
        ge=2,
        le=MOST_JOBS,
        description="how often Retrain, the original and the methods that start from the original are trained on each "
        "split: their differences are the null of tests and tables, and further Retrains the shadows of Table IV",
    )
    tables: Names = Field(
        min_length=1, description="what the target `all` makes, by the names in tables.yaml"
    )
    figures: Names = Field(
        description="what else the target `all` makes, by the names in figures.yaml"
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        description="where backbones train; auto: CUDA if there is one"
    )
    data_dir: Place | None = Field(
        description="folder or zip with the publisher's files, looked at before any download; "
        "the environment variable `CRAGRU_DATA_DIR` goes before it"
    )
    requests: Requests
    retrieval: Retrieval
    scoring: Scoring
    files: Files
    overlays: Overlays = Field(
        default=Overlays(), description="further content of these files, for this run alone"
    )


class Forget(Frozen):
    """Which interactions are forgotten."""

    kind: Literal["interactions", "users", "one-user", "file"] = Field(
        description="interactions: a share of all rows; users: all rows of a share of the users; one-user: all rows of "
        "one random user for each request; file: what `requests.files` name"
    )
    fraction: Fraction | None = Field(
        default=None, description="share of all interactions, or of all users"
    )

    @model_validator(mode="after")
    def _fraction_where_needed(self) -> "Forget":
        is_needed = self.kind in ("interactions", "users")
        if is_needed != (self.fraction is not None):
            what = f"does not fit kind {self.kind!r}"
            raise CragruError(what, place="fraction", got=self.fraction, advice=SHARES)
        return self


class Protocol(Frozen):
    """How data are forgotten and split."""

    title: Line = Field(description="what captions call it")
    order: Literal["forget-first", "split-first"] = Field(
        description="forget-first: what is forgotten leaves before the rest is split; split-first: a model is deployed "
        "on the split, and requests follow"
    )
    forget: Forget
    in_turn: bool = Field(
        default=False,
        description="whether a request starts from what the earlier ones left, and not from the deployed state",
    )
    ratios: tuple[Fraction, Fraction, Fraction] = Field(
        strict=False,  # YAML has lists
        description="shares of train, validation and test: of each user's rows, or with `split_by: time` of all rows",
    )
    split_by: Literal[SPLITS] = Field(
        default=AT_RANDOM,
        description="random: each user's rows in random order; time-per-user: each user's rows, oldest first; "
        "time: all rows at two points in time",
    )

    @model_validator(mode="after")
    def _consistent(self) -> "Protocol":
        if not math.isclose(sum(self.ratios), 1, abs_tol=1e-9):
            what = f"must add up to 1, not {sum(self.ratios):g}"
            raise CragruError(what, place="ratios", got=list(self.ratios))
        if (self.order == "forget-first") != (self.forget.fraction is not None):
            what = f"does not fit forget kind {self.forget.kind!r}"
            raise CragruError(what, place="order", got=self.order, advice=ORDERS)
        if self.in_turn and self.forget.kind != "file":
            what = f"does not fit forget kind {self.forget.kind!r}"
            raise CragruError(what, place="in_turn", got=self.in_turn, advice=IN_TURN)
        return self


class Protocols(Frozen):
    """The file protocols.yaml: every known way to forget and to split, by the name that paths and tables use."""

    protocols: dict[ProtocolName, Protocol]


def matches(pattern: str, dataset: str, backbone: str) -> bool:
    """Whether an override's glob is meant for a data set and backbone."""
    return fnmatch.fnmatchcase(f"{dataset}/{backbone}", pattern)


class PluginEntry(Frozen):
    """A module and its options, which are checked with the class `Options` there (`cragru.plan.options`)."""

    module: Module
    options: dict[str, Option] = Field(
        default={}, description="what the module's class `Options` takes"
    )


class TunedEntry(PluginEntry):
    """A module whose options may differ between data sets and backbones."""

    overrides: dict[str, dict[str, Option]] = Field(default={}, description=PATTERNS)

    def options_in(self, dataset: str, backbone: str) -> dict[str, Option]:
        """Return the options on a data set and backbone: the entry's, then those of each override that matches."""
        options = dict(self.options)
        for pattern, values in self.overrides.items():
            if matches(pattern, dataset, backbone):
                options |= values
        return options


class BackboneEntry(TunedEntry):
    """A recommender."""

    label: Label = Field(description="its name in tables")
    module: Module = Field(description="module with `build(shards, options, device)`")


class PartitionEntry(PluginEntry):
    """A way to cut data into shards."""

    module: Module = Field(description="module with `partition(problem)`")
    reads: Annotated[list[Literal["original"]], DISTINCT] = Field(
        default=[],
        description="`original`: it looks at the embeddings of the model before the request",
    )


class MethodEntry(TunedEntry):
    """An unlearning method."""

    label: Label = Field(description="its name in tables")
    paper: Label | None = Field(
        default=None, description="its name in the paper's tables, where that is not the label"
    )
    module: Module = Field(description="module with `unlearn(context)`")
    reads: Annotated[list[Literal["original", "forget"]], DISTINCT] = Field(
        default=[],
        description="what it reads beside the rows that remain: the model before the request, what is forgotten",
    )
    partition: Name | None = Field(
        default=None,
        description="how its data are cut into shards, by a name in `partitions`; null: it has no shards",
    )


class StrategyEntry(PluginEntry):
    """A retrieval strategy."""

    label: Label = Field(description="its name in tables and figures")
    module: Module = Field(description="module with `fit(context, folder)` and `load(folder)`")
    whole: bool = Field(
        default=False,
        description="K does not apply: prompts show the newest lines of the whole history, as many as fit",
    )


class Params(Frozen):
    """The file params.yaml: the plug-ins and their options, by the names that paths and configuration files use."""

    backbones: dict[BackboneName, BackboneEntry]
    partitions: dict[Name, PartitionEntry]
    methods: dict[MethodName, MethodEntry]
    strategies: dict[Name, StrategyEntry]
