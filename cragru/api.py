"""The library's public face: load a data set, split it, train, unlearn, evaluate, recommend (docs/library.md).

Each step calls what the workflow's script of that name calls, with the same entries of the configuration, the same
random streams and one thread. So its numbers are those of the workflow's tables, to the bit.
"""

import contextlib
import importlib
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import platformdirs
import torch

from cragru.backbones.base import FactorModel
from cragru.backbones.files import deployed_data
from cragru.backbones.training import train_backbone, training_options, warm_up
from cragru.config.base import load_yaml
from cragru.config.given import laid_over
from cragru.core.errors import CragruError
from cragru.core.names import ORIGINAL
from cragru.core.place import PathLike
from cragru.data.download import fetch_once
from cragru.data.frames import INTERACTIONS, ITEMS, USERS
from cragru.data.parts import read_all_parts, require_times, write_parts
from cragru.data.prepare import prepare
from cragru.data.requests import IDS
from cragru.data.split import forget_and_split
from cragru.evaluation.metrics import CUTOFFS, METRICS
from cragru.evaluation.utility import per_user_utility, recommended
from cragru.kept.files import read_parquet
from cragru.plan.files_there import DATA_VARIABLE
from cragru.plan.loading import load_project
from cragru.plan.project import Project
from cragru.unlearning.base import Context, Cost
from cragru.unlearning.files import FileReader, write_deployed_partition
from cragru.written.paths import REPOSITORY

DEFAULT = REPOSITORY / "config" / "config.yaml"
MASKS = ("A", "B")
MODEL_FILE = "model.safetensors"
WAITING = (
    "name a protocol that forgets first; the workflow serves single requests (docs/protocols.md)"
)
Entry = TypeVar("Entry")


def load(
    name: str, folder: PathLike | None = None, config: PathLike | Mapping[str, Any] | None = None
) -> "Data":
    """Load a data set: fetch its files, check them, and give them dense ids.

    Args:
        name: Of the data set, as datasets.yaml has it, such as ``ml-100k``.
        folder: Where the fetched files stay for the next time; None is the user's cache folder.
        config: What is laid over the default configuration: a file, as ``--configfile`` names one, or its content.

    Raises:
        CragruError: If the configuration is wrong, the name unknown, or no source gives the files.
    """
    given = config if config is None or isinstance(config, Mapping) else load_yaml(config)
    project = load_project(laid_over(load_yaml(DEFAULT), given or {}), REPOSITORY)
    entry = _entry(project.registry.datasets, name, "data set")
    raw = Path(folder or platformdirs.user_cache_path("cragru"), name)
    override = os.environ.get(DATA_VARIABLE) or project.settings.data_dir
    fetch_once(entry.raw_files, name, raw, override)
    return Data(name, raw, project)


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Compute in one thread, as the workflow's jobs do: sums over several threads differ in their last bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class Data:
    """A data set.

    Attributes:
        name: As datasets.yaml has it.
        interactions: One row per user and item, by dense ids (`cragru.data.frames.INTERACTIONS`).
        users: Row k is user k; `raw_id` is the publisher's id.
        items: Row k is item k, with `title`, `year` and `genres`.
    """

    def __init__(self, name: str, raw: Path, project: Project) -> None:
        """Prepare the files in the folder `raw`, which `load` has filled."""
        self.name, self._project = name, project
        self._folder = Path(tempfile.mkdtemp(prefix="cragru-"))
        weakref.finalize(self, shutil.rmtree, self._folder)
        entry = project.registry.datasets[name]
        prepare(
            raw,
            self._folder,
            entry.loaders,
            project.own_files(name),
            entry.loader_options,
            entry.keep,
        )
        read = {"interactions": INTERACTIONS, "users": USERS, "items": ITEMS}
        self.interactions, self.users, self.items = (
            read_parquet(self._folder / f"{file}.parquet", schema) for file, schema in read.items()
        )

    def split(self, protocol: str = "paper", seed: int = 1) -> "Split":
        """Forget and split by a protocol of protocols.yaml, under a seed.

        Raises:
            CragruError: If there is no such protocol, or it waits for single requests.
        """
        entry = _entry(self._project.protocols, protocol, "protocol")
        if entry.order != "forget-first":
            raise CragruError(
                "nothing is forgotten first", place=f"protocol {protocol}", advice=WAITING
            )
        require_times(self._folder / "statistics.json", entry.split_by)
        forget, ratios = entry.forget.model_dump(), list(entry.ratios)
        rows = forget_and_split(self.interactions, forget, ratios, seed, entry.split_by)
        folder = self._folder / protocol / str(seed)
        write_parts(folder, rows, self.interactions)
        return Split(self, folder, seed, self._project)


class Split:
    """A data set of which a part is forgotten, and the models that are made of it.

    Attributes:
        data: The data set.
        parts: Interactions by the names of the parts: forget, forget-heldout, train, valid, test.
    """

    def __init__(self, data: Data, folder: Path, seed: int, project: Project) -> None:
        """Read a split from its folder."""
        self.data, self._folder, self._seed, self._project = data, folder, seed, project
        self.parts = read_all_parts(folder, data.interactions)
        self.sizes = len(data.users), len(data.items)

    @_one_thread()
    def train(self, backbone: str) -> "Model":
        """Train a backbone of params.yaml on everything, the rows to be forgotten included: the original model."""
        path = self._folder / backbone / ORIGINAL / MODEL_FILE
        if not path.exists():
            module, options = self._training(backbone)
            data, device = deployed_data(self._folder, self.sizes), self._project.settings.device
            options = training_options(module, options)
            training, _ = train_backbone(module, backbone, data, options, self._seed, device)
            training.model.save(path)
        return Model(self, path)

    @_one_thread()
    def unlearn(self, method: str, backbone: str) -> "Model":
        """Forget by a method of params.yaml; the original model is trained where the method reads it."""
        module, options = self._training(backbone)
        entry = _entry(self._project.params.methods, method, "method")
        method_options = self._project.method_options(self.data.name, backbone, method)
        folder, device = self._folder / backbone / method, self._project.settings.device
        reads = self._project.reads(method)
        original = self.train(backbone).path if ORIGINAL in reads else None
        reader = FileReader(
            split=self._folder,
            sizes=self.sizes,
            original_file=original if ORIGINAL in entry.reads else None,
            forget_file=self._folder / "forget.parquet" if "forget" in entry.reads else None,
            partition_file=self._cut(method, folder, original, method_options),
            shards=method_options.get("shards", 0),
        )
        context = Context(
            reader,
            module,
            backbone,
            training_options(module, options),
            method_options,
            self._seed,
            device,
        )
        warm_up(device)
        done = importlib.import_module(entry.module).unlearn(context)
        done.model.save(folder / MODEL_FILE)
        return Model(self, folder / MODEL_FILE, done.cost)

    def _training(self, backbone: str) -> tuple[str, dict[str, Any]]:
        """Return a backbone's module, and its hyper-parameters on this data set."""
        entry = _entry(self._project.params.backbones, backbone, "backbone")
        return entry.module, self._project.training_options(self.data.name, backbone)

    def _cut(
        self, method: str, folder: Path, original: Path | None, options: Mapping[str, Any]
    ) -> Path | None:
        """Cut the deployed data as the method's entry says; return the partition's file, None if it has no shards."""
        entry = self._project.partition(method)
        if entry is None:
            return None
        reads = original if ORIGINAL in entry.reads else None
        write_deployed_partition(
            folder / "partition.parquet",
            self._folder,
            self.sizes,
            entry.module,
            entry.options,
            options["shards"],
            self._seed,
            reads,
        )
        return folder / "partition.parquet"


class Model:
    """What recommends: the original model, or what a method made of a request.

    Attributes:
        split: What it was made of.
        path: Its file, which is gone with the data set's object; `factors.save` keeps a copy.
        cost: What unlearning took; None for the original.
    """

    def __init__(self, split: Split, path: Path, cost: Cost | None = None) -> None:
        """Name the file of a model."""
        self.split, self.path, self.cost = split, path, cost

    @cached_property
    def factors(self) -> FactorModel:
        """The model's factors and embeddings."""
        return FactorModel.load(self.path)

    @cached_property
    def per_user(self) -> pd.DataFrame:
        """Every metric of every user with test rows, by mask and cut-off, as the workflow keeps it."""
        with _one_thread():
            return per_user_utility(self.factors, self.split.parts, *self.split.sizes)

    def evaluate(self, cutoffs: Sequence[int] = (5, 10, 20), mask: str = "A") -> pd.DataFrame:
        """Average the metrics over users: Table II's numbers.

        Args:
            cutoffs: K, of 1, 3, 5, 10 and 20.
            mask: ``A``: forgotten items compete for places, as in Table II; ``B``: they are masked, too.

        Returns:
            A row for each K, a column for each metric.

        Raises:
            CragruError: If a K or the mask is another one.
        """
        _refuse_others("cutoffs", cutoffs, CUTOFFS)
        _refuse_others("mask", [mask], MASKS)
        rows = self.per_user.query("mask == @mask and k in @cutoffs")
        return rows.groupby("k")[list(METRICS)].mean()

    @_one_thread()
    def recommend(self, user: str | int, k: int = 10) -> pd.DataFrame:
        """Return a user's best items, best first, that are new to the user: neither seen nor forgotten.

        Args:
            user: By the publisher's id.
            k: How many.

        Raises:
            CragruError: If there is no such user, or `k` is no length.
        """
        if k < 1:
            raise CragruError("no length of a list", place="k", got=k)
        data = self.split.data
        (numbers,) = (data.users["raw_id"] == str(user)).to_numpy().nonzero()
        if not len(numbers):
            raise CragruError("unknown user", place="user", got=user, advice=IDS)
        who = torch.from_numpy(numbers)
        lists = recommended(self.factors, self.split.parts, who, *self.split.sizes, k)
        items = data.items.iloc[lists["item"]].assign(rank=lists["rank"].array)
        return items.set_index("rank")[["raw_id", "title", "year", "genres"]]


def _refuse_others(place: str, given: Sequence[Any], allowed: Sequence[Any]) -> None:
    """Refuse values that are not allowed: a table of none would look like an answer."""
    for value in given:
        if value not in allowed:
            names = [*map(str, allowed)]
            raise CragruError("no such value", place=place, got=value, allowed=names)


def _entry(entries: Mapping[str, Entry], name: str, what: str) -> Entry:
    """Return what the configuration has of a name."""
    if name not in entries:
        raise CragruError(f"unknown {what}", got=name, allowed=entries)
    return entries[name]
