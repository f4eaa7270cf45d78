"""The places of a deletion request under `results/`, and what any path is to it."""

from collections.abc import Mapping
from functools import partial

from cragru.core.request import Request
from cragru.plan.places import (
    COHORT,
    FORGOTTEN_PARTS,
    INTERACTIONS,
    ITEMS,
    METHOD,
    MODEL_FILE,
    ORIGINAL_FOLDER,
    PARTITION,
    PARTS,
    PREPARED,
    PROMPTS,
    RAW,
    REMAINING_PARTS,
    REQUEST,
    REQUEST_METHOD,
    SHARDS,
    STATE,
    USERS,
    is_at,
    part_file,
    place,
    renewed_files,
    split_files,
    split_folder,
)

ORIGINAL = f"{ORIGINAL_FOLDER}/{MODEL_FILE}"
SERVED = f"{REQUEST_METHOD}/{MODEL_FILE}"
RENEWED = renewed_files(REQUEST_METHOD)


class Places:
    """Where a request's files are.

    Attributes:
        state: Folder of the deployed state.
        before: Folder of what served before the request: of the state, or of the request before it.
        folder: Folder of what was made for the request: what serves after it.
        split: Folder of the split after the request; `record` and `parts` are its files.
        deployed_record: Record of the split before a single request: it says how many rows are in no part.
        deployed_parts: Parts of the split before a single request: they hold its rows.
        is_original: Whether a path is a model before the request: the original, or in turn a method's own.
        is_partition: Whether it says into which shards the data were cut before the request.
        is_deployed_shard: Whether it is a shard as it was before the request.
        is_renewed_partition: Whether it says what is left in which shard after a single request.
        is_renewed_shard: Whether it is a shard as it is after a single request.
        is_cohort: Whether it says whom an LLM scores.
    """

    def __init__(self, request: Request, previous: str | None = None) -> None:
        """Fill the request's names into the templates of all places, once.

        Args:
            request: The request.
            previous: The request whose leavings it starts from; None where that is the deployed state.
        """
        names = request._asdict()
        is_single = names["request"] is not None
        if not is_single:
            del names["request"]  # a pattern takes any
        earlier = names | {"request": previous}
        self.request, self.previous = request, previous
        self.state = place(STATE, **names)
        self.before = place(REQUEST, **earlier) if previous else self.state
        self.folder = place(REQUEST, **names) if is_single else self.state
        self.prepared = place(PREPARED, **names)
        self.interactions = place(INTERACTIONS, **names)
        self.users, self.items = place(USERS, **names), place(ITEMS, **names)
        self.raw = place(RAW, **names)
        self.split = split_folder(self.folder)
        self.record = split_files(self.folder)["record"]
        self.parts = _parts(self.folder)
        self.forgotten_parts = [self.parts[name] for name in FORGOTTEN_PARTS]
        self.deployed_record = split_files(self.before)["record"]
        deployed = _parts(self.before)
        kept = REMAINING_PARTS if previous else PARTS
        self.deployed_parts = [deployed[name] for name in kept] if is_single else []
        if previous:
            self.is_original = partial(is_at, SERVED, **earlier)
            self.is_partition = partial(is_at, RENEWED["partition"], **earlier)
            self.is_deployed_shard = partial(is_at, f"{RENEWED['shards']}/{{shard}}", **earlier)
        else:
            self.is_original = partial(is_at, ORIGINAL, **names)
            self.is_partition = partial(is_at, PARTITION, **names)
            self.is_deployed_shard = partial(is_at, f"{SHARDS}/{{shard}}", **names)
        self.is_renewed_partition = partial(is_at, RENEWED["partition"], **names)
        self.is_renewed_shard = partial(is_at, f"{RENEWED['shards']}/{{shard}}", **names)
        self.is_cohort = partial(is_at, COHORT, **names)
        self._held = {*self.forgotten_parts, *self.deployed_parts, self.interactions}

    def holds_forgotten(self, path: str) -> bool:
        """Return whether a file has forgotten rows in it, or is the model that was trained on them."""
        return path in self._held or self.is_original(path)

    def is_earlier(self, wildcards: Mapping[str, str]) -> bool:
        """Return whether a job, by its wildcards, served the request before this one."""
        return self.previous is not None and wildcards.get("request") == self.previous

    def is_boundary(self, path: str) -> bool:
        """Return whether nothing is behind a file: its content was checked, or everything starts there."""
        return path.startswith((f"{self.split}/", f"{self.prepared}/"))

    def is_given(self, path: str) -> bool:
        """Return whether an exact method may read a file, wherever it comes from."""
        return self.is_boundary(path) or self.is_partition(path) or self.is_deployed_shard(path)

    def is_prompt_of_who_asked(self, path: str) -> bool:
        """Return whether a file has the prompts of those whose single request it is."""
        is_single = self.folder != self.state
        return is_single and path.startswith(f"{self.folder}/") and path.endswith(f"/{PROMPTS}")


def is_unlearned(path: str) -> bool:
    """Return whether a file is the model of an unlearning method, of any request: its place alone tells."""
    of_state = is_at(f"{METHOD}/{MODEL_FILE}", path) and not is_at(ORIGINAL, path)
    return of_state or is_at(SERVED, path)


def _parts(folder: str) -> dict[str, str]:
    return {name: part_file(folder, name) for name in PARTS}
