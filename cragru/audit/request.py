"""A request's places under `results/`, and which files hold forgotten rows or a model of them."""

from typing import Any, NamedTuple

from cragru.plan.places import (
    COHORT,
    FORGOTTEN_PARTS,
    INTERACTIONS,
    METHOD,
    MODEL_FILE,
    ORIGINAL_FOLDER,
    PARTITION,
    PARTS,
    PREPARED,
    PROMPTS,
    REQUEST,
    REQUEST_METHOD,
    SHARDS,
    STATE,
    is_at,
    part_file,
    place,
    renewed_files,
    split_folder,
)

ORIGINAL = f"{ORIGINAL_FOLDER}/{MODEL_FILE}"
RENEWED = renewed_files(REQUEST_METHOD)


class Request(NamedTuple):
    """A deletion request; without a name of its own it is the one that its protocol starts with."""

    dataset: str
    protocol: str
    seed: int
    request: str | None = None

    @classmethod
    def of(cls, names: Any) -> "Request":
        """From wildcards or from a certificate."""
        request = names.get("request")
        return cls(names["dataset"], names["protocol"], int(names["seed"]), request)

    @property
    def state(self) -> str:
        """Folder of the deployed state."""
        return place(STATE, **self._asdict())

    @property
    def folder(self) -> str:
        """Folder of what was made for the request."""
        return self.state if self.request is None else place(REQUEST, **self._asdict())

    @property
    def prepared(self) -> str:
        """Folder of the prepared data."""
        return place(PREPARED, **self._asdict())

    @property
    def split(self) -> str:
        """Folder of the split after the request."""
        return split_folder(self.folder)

    def part(self, name: str) -> str:
        """A part of this split."""
        return part_file(self.folder, name)

    @property
    def forgotten_parts(self) -> list[str]:
        """Files of what is forgotten."""
        return [self.part(name) for name in FORGOTTEN_PARTS]

    @property
    def deployed_parts(self) -> list[str]:
        """Parts of the split before the request, where there was one: they hold its rows."""
        if self.request is None:
            return []
        return [part_file(self.state, name) for name in PARTS]

    @property
    def interactions(self) -> str:
        """All prepared interactions."""
        return place(INTERACTIONS, **self._asdict())

    def is_original(self, path: str) -> bool:
        """Whether a file is the model before the request."""
        return self._is_at(ORIGINAL, path)

    def is_unlearned(self, path: str) -> bool:
        """Whether a file is the model of an unlearning method, of any state or request: its place alone tells."""
        of_state = is_at(f"{METHOD}/{MODEL_FILE}", path) and not is_at(ORIGINAL, path)
        return of_state or is_at(f"{REQUEST_METHOD}/{MODEL_FILE}", path)

    def is_partition(self, path: str) -> bool:
        """Whether a file says into which shards the data were cut before the request."""
        return self._is_at(PARTITION, path)

    def is_deployed_shard(self, path: str) -> bool:
        """Whether a file is a shard as it was before the request."""
        return self._is_at(f"{SHARDS}/{{shard}}", path)

    def is_renewed_partition(self, path: str) -> bool:
        """Whether a file says what is left in which shard after a single request."""
        return self._is_at(RENEWED["partition"], path)

    def is_renewed_shard(self, path: str) -> bool:
        """Whether a file is a shard as it is after a single request."""
        return self._is_at(f"{RENEWED['shards']}/{{shard}}", path)

    def is_cohort(self, path: str) -> bool:
        """Whether a file says whom an LLM scores."""
        return self._is_at(COHORT, path)

    def is_prompt_of_who_asked(self, path: str) -> bool:
        """Whether a file has the prompts of those whose single request it is."""
        return (
            self.request is not None
            and path.startswith(f"{self.folder}/")
            and path.endswith(f"/{PROMPTS}")
        )

    def holds_forgotten(self, path: str) -> bool:
        """Whether a file has forgotten rows in it, or is the model that was trained on them."""
        held = [*self.forgotten_parts, *self.deployed_parts, self.interactions]
        return path in held or self.is_original(path)

    def is_boundary(self, path: str) -> bool:
        """Whether to look no further behind a file: its content was checked, or it is where everything starts."""
        return path.startswith((f"{self.split}/", f"{self.prepared}/"))

    def _is_at(self, template: str, path: str) -> bool:
        """Whether a path is one that a template gives for this request."""
        names = {name: value for name, value in self._asdict().items() if value is not None}
        return is_at(template, path, **names)
