"""What a request reads and writes: the files of a split, of a partition and of shards."""

import importlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from cragru.backbones.base import FactorModel, TrainingData, pairs
from cragru.backbones.files import training_data
from cragru.backbones.training import training_options
from cragru.core.errors import CragruError
from cragru.core.place import PathLike
from cragru.core.seeds import numpy_stream
from cragru.data.parts import read_parts, read_sizes
from cragru.kept.files import atomic_path, read_parquet, write_parquet
from cragru.ranking.full import Pairs
from cragru.unlearning.base import Context, Deployed
from cragru.unlearning.partition.base import Problem

PARTITION = {"row": "int32", "part": "object", "shard": "int32"}  # part: train or valid
LEARNT_FROM = ("train", "valid")
DECLARE = "add it to the method's entry in config/params.yaml"


def write_partition(
    path: PathLike, parts: dict[str, pd.DataFrame], shards: dict[str, object]
) -> None:
    """Write the shard of every row: of frames `train` and `valid` with the column `row`, given each row's shard."""
    frames = []
    for name in LEARNT_FROM:
        columns = {"row": parts[name]["row"], "part": name, "shard": shards[name]}
        frames.append(pd.DataFrame(columns))
    write_parquet(path, pd.concat(frames, ignore_index=True), PARTITION)


def write_deployed_partition(
    path: PathLike,
    split: PathLike,
    sizes: tuple[int, int],
    module: str,
    options: Mapping[str, float | int | str | bool],
    shards: int,
    seed: int,
    original: PathLike | None,
) -> dict[str, list[int]]:
    """Cut the data of a deployed model into shards, by a partition's module and options, and write their shards.

    Args:
        path: Where the partition goes.
        split: The folder of the split.
        sizes: Numbers of users and items.
        module: Of the partition.
        options: What the partition's entry gives it.
        shards: How many.
        seed: Of its stream.
        original: The deployed model, whose embeddings the partition reads; None if it reads none.

    Returns:
        How many rows each shard has, of each part.
    """
    parts = read_parts(split, ["train", "forget", "valid"])
    parts["train"] = pd.concat([parts["train"], parts.pop("forget")]).sort_values("row")
    users, items = sizes
    embeddings = None
    if original:
        model = FactorModel.load(original)
        embeddings = (model.user_factors.numpy(), model.item_factors.numpy())
    problem = Problem(
        **{
            name: tuple(part[column].to_numpy("int64") for column in ("user", "item"))
            for name, part in parts.items()
        },
        users=users,
        items=items,
        shards=shards,
        options=options,
        rng=numpy_stream(seed, "partition", module),
        embeddings=embeddings,
    )
    assignment = importlib.import_module(module).partition(problem)
    cut = {"train": assignment.train, "valid": assignment.valid}
    write_partition(path, parts, cut)
    return {name: pd.Series(of).value_counts().sort_index().tolist() for name, of in cut.items()}


def write_remaining_partition(path: PathLike, deployed: PathLike, split: PathLike) -> None:
    """Write the partition of the rows that a request leaves in the folder `split`, from the one `deployed` before."""
    left = read_parts(split, LEARNT_FROM)
    shard_of_row = read_parquet(deployed, PARTITION).set_index("row")["shard"]
    shards = {}
    for name, part in left.items():
        shards[name] = shard_of_row[part["row"]].to_numpy()
    write_partition(path, left, shards)


def shard_path(folder: PathLike, shard: int) -> Path:
    """Return the file of a shard's model."""
    return Path(folder) / f"shard-{shard:02d}.safetensors"


def write_shards(
    folder: PathLike, models: dict[int, FactorModel], count: int, deployed: PathLike | None
) -> None:
    """Write all shards after a request: the models that were trained, by shard, and the others as they were.

    Those are copied byte for byte from `deployed`, the folder of the shards before the request.
    """
    for shard in range(count):
        path = shard_path(folder, shard)
        if shard in models:
            models[shard].save(path)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary:
            shutil.copyfile(shard_path(deployed, shard), temporary)


@dataclass(frozen=True)
class FileReader:
    """Reads what a method may look at from the files that its rule lists (`cragru.unlearning.base.Reader`).

    The split is the folder of what the request leaves; sizes are the numbers of users and items. The other files are
    there where the method declares them; the forget set is read through the split's record.
    """

    split: Path
    sizes: tuple[int, int]
    original_file: PathLike | None = None
    forget_file: PathLike | None = None
    partition_file: PathLike | None = None
    shards: int = 0
    shard_folder: PathLike | None = None

    def remain(self) -> TrainingData:
        """Read training and validation rows without the forget set."""
        return training_data(self._left["train"], self._left["valid"], self.sizes)

    def rows(self) -> tuple[Tensor, Tensor]:
        """Read the numbers of the remaining training and validation rows, both int64."""
        return _column(self._left["train"], "row"), _column(self._left["valid"], "row")

    def ratings(self) -> Tensor:
        """Read the ratings of the remaining training rows, float32."""
        return torch.from_numpy(self._left["train"]["rating"].to_numpy(dtype="float32"))

    def forget(self) -> Pairs:
        """Read the forget set, where it is declared."""
        _declared(self.forget_file, "reads.forget")
        return pairs(read_parts(self.split, ["forget"])["forget"])

    def original(self) -> FactorModel:
        """Read the model before the request, where it is declared."""
        return FactorModel.load(_declared(self.original_file, "reads.original"))

    def deployed(self) -> Deployed:
        """Read the method's own shards before the request, where a partition is declared."""
        table = read_parquet(_declared(self.partition_file, "partition"), PARTITION)
        parts = []
        for name in LEARNT_FROM:
            part = table[table["part"] == name]
            parts.append((_column(part, "row"), _column(part, "shard")))
        read_model = None if self.shard_folder is None else self._read_shard
        return Deployed(*parts, self.shards, read_model)

    def _read_shard(self, shard: int) -> FactorModel:
        return FactorModel.load(shard_path(self.shard_folder, shard))

    @cached_property
    def _left(self) -> dict[str, pd.DataFrame]:
        return read_parts(self.split, LEARNT_FROM)


def job_context(job: Any) -> Context:
    """Make a request of Snakemake's object of a rule.

    Its inputs are record and statistics, and original, forget, partition and shards where the method declares them.
    """
    given, params = job.input, job.params
    reader = FileReader(
        split=Path(given.record).parent,
        sizes=read_sizes(given.statistics),
        original_file=given.get("original") or None,
        forget_file=given.get("forget") or None,
        partition_file=given.get("partition") or None,
        shards=params.method_options.get("shards", 0),
        shard_folder=given.get("shards") or None,
    )
    return Context(
        reader=reader,
        module=params.module,
        backbone=job.wildcards.backbone,
        options=training_options(params.module, params.options),
        method_options=params.method_options,
        seed=int(job.wildcards.seed),
        device=params.device,
    )


def _column(frame: pd.DataFrame, name: str) -> Tensor:
    return torch.from_numpy(frame[name].to_numpy(dtype="int64"))


def _declared(file: PathLike | None, key: str) -> PathLike:
    """Return a file that the method's entry declares by a key, or raise a CragruError."""
    if file is None:
        raise CragruError("missing, and the method reads it", place=key, advice=DECLARE)
    return file
