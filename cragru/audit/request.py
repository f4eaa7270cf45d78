"""A request's places under `results/`, and which files hold forgotten rows or a model of them."""

import re
from typing import Any, NamedTuple

from cragru.plan.places import METHOD, MODEL_FILE, ORIGINAL_FOLDER, REQUEST_METHOD, is_at

RESULTS = "results"
CERTIFICATE = "certificate.json"
PURGED = "purged.json"
FORGOTTEN = ("forget", "forget-heldout")
REMAINING = ("train", "valid", "test")


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
        return f"{RESULTS}/{self.dataset}/{self.protocol}/{self.seed}"

    @property
    def folder(self) -> str:
        """Folder of what was made for the request."""
        return self.state if self.request is None else f"{self.state}/{self.request}"

    @property
    def prepared(self) -> str:
        """Folder of the prepared data."""
        return f"{RESULTS}/{self.dataset}/prepared"

    @property
    def split(self) -> str:
        """Folder of the split after the request."""
        return f"{self.folder}/split"

    def part(self, name: str) -> str:
        """A part of this split."""
        return f"{self.split}/{name}.parquet"

    @property
    def forgotten_parts(self) -> list[str]:
        """Files of what is forgotten."""
        return [self.part(name) for name in FORGOTTEN]

    @property
    def deployed_parts(self) -> list[str]:
        """Parts of the split before the request, where there was one: they hold its rows."""
        if self.request is None:
            return []
        return [f"{self.state}/split/{name}.parquet" for name in (*FORGOTTEN, *REMAINING)]

    @property
    def interactions(self) -> str:
        """All prepared interactions."""
        return f"{self.prepared}/interactions.parquet"

    def is_original(self, path: str) -> bool:
        """Whether a file is the model before the request."""
        return re.fullmatch(rf"{re.escape(self.state)}/[^/]+/original/model\.safetensors", path) is not None

    def is_unlearned(self, path: str) -> bool:
        """Whether a file is the model of an unlearning method, of any state or request: its place alone tells."""
        of_method = is_at(f"{METHOD}/{MODEL_FILE}", path) and not is_at(f"{ORIGINAL_FOLDER}/{MODEL_FILE}", path)
        return of_method or is_at(f"{REQUEST_METHOD}/{MODEL_FILE}", path)

    def is_partition(self, path: str) -> bool:
        """Whether a file says into which shards the data were cut before the request."""
        return re.fullmatch(rf"{re.escape(self.state)}/[^/]+/[^/]+/before/partition\.parquet", path) is not None

    def is_deployed_shard(self, path: str) -> bool:
        """Whether a file is a shard as it was before the request."""
        return re.fullmatch(rf"{re.escape(self.state)}/[^/]+/[^/]+/before/shards/[^/]+", path) is not None

    def holds_forgotten(self, path: str) -> bool:
        """Whether a file has forgotten rows in it, or is the model that was trained on them."""
        held = [*self.forgotten_parts, *self.deployed_parts, self.interactions]
        return path in held or self.is_original(path)

    def is_boundary(self, path: str) -> bool:
        """Whether to look no further behind a file: its content was checked, or it is where everything starts."""
        return path.startswith((f"{self.split}/", f"{self.prepared}/"))
