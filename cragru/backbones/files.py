"""Frames and files on either side of training."""

from collections.abc import Sequence
from dataclasses import asdict

import pandas as pd

from cragru.backbones.base import TrainingData, pairs
from cragru.backbones.learner import Epoch
from cragru.core.place import PathLike
from cragru.data.parts import read_parts
from cragru.kept.csv_files import write_csv


def training_data(train: pd.DataFrame, valid: pd.DataFrame, sizes: tuple[int, int]) -> TrainingData:
    """Return training data from frames of interactions and the data set's (users, items)."""
    return TrainingData(pairs(train), pairs(valid), *sizes)


def deployed_data(split: PathLike, sizes: tuple[int, int]) -> TrainingData:
    """Read what a deployed model learns from, the rows to be forgotten included, from the folder of a split."""
    parts = read_parts(split, ["train", "forget", "valid"])
    seen = pd.concat([parts["train"], parts["forget"]]).sort_values("row")
    return training_data(seen, parts["valid"], sizes)


def write_curve(path: PathLike, curve: Sequence[Epoch]) -> None:
    """Write the training curve as CSV, one line an epoch; the header stands alone where nothing was trained."""
    names = list(Epoch.__dataclass_fields__)
    frame = pd.DataFrame(map(asdict, curve), columns=names)
    write_csv(path, frame)
