"""Where rows of a person are in a results folder: for a request of access, or before one of deletion."""

import json
import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from cragru.core.errors import CragruError
from cragru.data.frames import USERS
from cragru.data.request_file import read_lines
from cragru.kept.files import read_parquet, read_record
from cragru.kept.manifest import Makers, read_manifest
from cragru.plan.places import (
    COHORT,
    INTERACTIONS,
    PARTITION,
    PREPARED,
    PROMPTS,
    RAW,
    RESULTS,
    is_at,
    place,
)
from cragru.plan.places import (
    USERS as USERS_FILE,
)

TRAINED_ON = ("train", "valid", "forget")  # parts of a split that a training reads


class Trace(NamedTuple):
    """What a file has of a person.

    Attributes:
        path: The file.
        rows: How many of its rows, lines or entries are about them.
        what: What these are, in a word.
    """

    path: str
    rows: int
    what: str


class Person:
    """A user of a data set, by the publisher's id."""

    def __init__(self, dataset: str, raw_id: str) -> None:
        """Look the user up.

        Raises:
            CragruError: If the data set was not prepared yet, or has no such user.
        """
        users = read_parquet(place(USERS_FILE, dataset=dataset), USERS)
        found = users.loc[users["raw_id"] == raw_id, "user"]
        if not len(found):
            advice = "give the publisher's id"
            raise CragruError(
                "unknown user", place=place(PREPARED, dataset=dataset), got=raw_id, advice=advice
            )
        self.dataset, self.raw_id = dataset, raw_id
        self.user = int(found.iloc[0])
        self._makers = Makers()

    def traces(self, requests: Iterable[str]) -> Iterator[Trace]:
        """Yield every file of the data set with rows of the person.

        Args:
            requests: Files of deletion requests, which people own.
        """
        for path in requests:
            lines = sum(line.cells[0] == self.raw_id for line in read_lines(path))
            yield from _some(path, lines, "lines of a request")
        raw = place(RAW, dataset=self.dataset)
        rows = self._rows_of[place(INTERACTIONS, dataset=self.dataset)]
        yield from _some(raw, rows, "rows, in the publisher's files")
        for path, count in self._rows_of.items():
            yield from _some(path, count, "rows")
        for path in self._files("*.json*"):
            yield from self._of_json(path)
        for path in self._files("*.safetensors"):
            yield from _some(path, self._model_rows(path), "rows that the model was made with")

    @cached_property
    def _user_of_row(self) -> np.ndarray:
        path = place(INTERACTIONS, dataset=self.dataset)
        return pq.read_table(path, columns=["user"])["user"].to_numpy()

    @cached_property
    def _rows_of(self) -> dict[str, int]:
        """How many rows each table with users has of the person."""
        found = {}
        for path in self._files("*.parquet"):
            if "user" in pq.read_schema(path).names:
                users = pq.read_table(path, columns=["user"])["user"].to_numpy()
                found[path] = int(np.count_nonzero(users == self.user))
        return found

    def _files(self, pattern: str) -> list[str]:
        folder = Path(RESULTS, self.dataset)
        return sorted(path.as_posix() for path in folder.rglob(pattern) if path.is_file())

    def _of_json(self, path: str) -> Iterator[Trace]:
        """Yield what a cohort or a file of prompts has of the person."""
        if is_at(COHORT, path):
            users = read_record(path, {"users": [int]})["users"]
            yield from _some(path, users.count(self.user), "entries of a cohort")
        elif path.endswith(f"/{PROMPTS}"):
            lines = Path(path).read_text(encoding="utf-8").split("\n")[:-1]
            own = sum(json.loads(line)["user"] == self.user for line in lines)
            yield from _some(path, own, "prompts")

    def _model_rows(self, path: str) -> int:
        """Return how many rows of the person a model was made with: those that its job read, or that its shard has."""
        partition = Path(path).parent.with_name(PurePosixPath(PARTITION).name)
        shard = re.fullmatch(r"shard-(\d+)", Path(path).stem)
        if shard and partition.is_file():
            held = pd.read_parquet(partition, columns=["row", "shard"])
            own = held.loc[held["shard"] == int(shard[1]), "row"]
            return int((self._user_of_row[own] == self.user).sum())
        read: set[str] = set()
        for manifest, _ in self._makers.of(path):
            read |= read_manifest(manifest)["inputs"].keys()
        return sum(self._rows_of.get(name, 0) for name in read if Path(name).stem in TRAINED_ON)


def _some(path: str, rows: int, what: str) -> Iterator[Trace]:
    if rows:
        yield Trace(path, rows, what)
