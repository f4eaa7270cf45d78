"""What a request reads and writes: the files of a split, of a partition and of shards."""

import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from cragru.backbones.base import FactorModel, TrainingData, pairs
from cragru.backbones.files import training_data
from cragru.backbones.training import training_options
from cragru.core.errors import CragruError
from cragru.core.place import PathLike
from cragru.data.parts import read_parts, read_sizes
from cragru.kept.files import atomic_path, read_parquet, write_parquet
from cragru.ranking.full import Pairs
from cragru.unlearning.base import Context, Deployed

PARTITION = {"row": "int32", "part": "object", "shard": "int32"}  # part: train or valid
LEARNT_FROM = ("train", "valid")


def write_partition(
    path: PathLike, parts: dict[str, pd.DataFrame], shards: dict[str, object]
) -> None:
    """Write the shard of every row.

    Args:
        path: Where to.
        parts: Frames `train` and `valid` with the column `row`.
        shards: Shard of each of their rows.
    """
    frames = [
        pd.DataFrame({"row": parts[name]["row"], "part": name, "shard": shards[name]})
        for name in LEARNT_FROM
    ]
    write_parquet(path, pd.concat(frames, ignore_index=True), PARTITION)


def shard_path(folder: PathLike, shard: int) -> Path:
    """The file of a shard's model."""
    return Path(folder) / f"shard-{shard:02d}.safetensors"


def write_remaining_partition(path: PathLike, deployed: PathLike, split: PathLike) -> None:
    """Write the partition of what a request leaves.

    Args:
        path: Where to.
        deployed: The partition before the request.
        split: Folder of the split that the request leaves.
    """
    left = read_parts(split, LEARNT_FROM)
    shard = read_parquet(deployed, PARTITION).set_index("row")["shard"]
    write_partition(
        path, left, {name: shard[part["row"]].to_numpy() for name, part in left.items()}
    )


def write_shards(
    folder: PathLike, models: dict[int, FactorModel], count: int, deployed: PathLike | None
) -> None:
    """Write all shards after a request: those that were trained, and the others byte for byte as they were.

    Args:
        folder: Where to.
        models: Models that were trained, by shard.
        count: Number of shards.
        deployed: Folder of the shards before the request.
    """
    for shard in range(count):
        path = shard_path(folder, shard)
        if shard in models:
            models[shard].save(path)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_path(path) as temporary:
                shutil.copyfile(shard_path(deployed, shard), temporary)


@dataclass(frozen=True)
class FileReader:
    """Reads what a method may look at from the files that its rule lists (`cragru.unlearning.base.Reader`).

    Attributes:
        split: Folder of the split that the request leaves.
        sizes: Numbers of users and items of the data set.
        original_file: The model before the request, where the method declares it.
        forget_file: The forget set, likewise; read through the split's record.
        partition_file: The method's partition, where it has one.
        shards: How many shards it has.
        shard_folder: The shards before the request, where they were trained ahead of it.
    """

    split: Path
    sizes: tuple[int, int]
    original_file: PathLike | None = None
    forget_file: PathLike | None = None
    partition_file: PathLike | None = None
    shards: int = 0
    shard_folder: PathLike | None = None

    def remain(self) -> TrainingData:
        """See `Reader`."""
        parts = self._left
        return training_data(parts["train"], parts["valid"], self.sizes)

    def rows(self) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Reader`."""
        parts = self._left
        return tuple(
            torch.from_numpy(parts[name]["row"].to_numpy(dtype="int64")) for name in LEARNT_FROM
        )

    def ratings(self) -> torch.Tensor:
        """See `Reader`."""
        return torch.from_numpy(self._left["train"]["rating"].to_numpy(dtype="float32"))

    def forget(self) -> Pairs:
        """See `Reader`."""
        _declared(self.forget_file, "reads: [forget]")
        return pairs(read_parts(self.split, ["forget"])["forget"])

    def original(self) -> FactorModel:
        """See `Reader`."""
        return FactorModel.load(_declared(self.original_file, "reads: [original]"))

    def deployed(self) -> Deployed:
        """See `Reader`."""
        table = read_parquet(_declared(self.partition_file, "partition"), PARTITION)
        parts = [table[table["part"] == name] for name in LEARNT_FROM]
        train, valid = (
            tuple(
                torch.from_numpy(part[column].to_numpy(dtype="int64"))
                for column in ("row", "shard")
            )
            for part in parts
        )
        folder = self.shard_folder
        read_model = (
            None if folder is None else lambda shard: FactorModel.load(shard_path(folder, shard))
        )
        return Deployed(train, valid, self.shards, read_model)

    @cached_property
    def _left(self) -> dict[str, pd.DataFrame]:
        return read_parts(self.split, LEARNT_FROM)


def job_context(job: Any) -> Context:
    """A request as the inputs and parameters of a rule tell it.

    Args:
        job: Snakemake's object, of a rule with the inputs record and statistics, and original, forget, partition and
            shards where the method declares them.
    """
    files = {
        key: job.input.get(key) or None for key in ("original", "forget", "partition", "shards")
    }
    reader = FileReader(
        split=Path(job.input.record).parent,
        sizes=read_sizes(job.input.statistics),
        original_file=files["original"],
        forget_file=files["forget"],
        partition_file=files["partition"],
        shards=job.params.method_options.get("shards", 0),
        shard_folder=files["shards"],
    )
    return Context(
        reader=reader,
        module=job.params.module,
        backbone=job.wildcards.backbone,
        options=training_options(job.params.module, job.params.options),
        method_options=job.params.method_options,
        seed=int(job.wildcards.seed),
        device=job.params.device,
    )


def _declared(file: PathLike | None, key: str) -> PathLike:
    """A file that the method's entry declares."""
    if file is None:
        raise CragruError(
            f"the method asked for what its entry in params.yaml does not declare; add {key}"
        )
    return file
