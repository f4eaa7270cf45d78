"""Train backbones by the name of their module: what the original model and all methods that train have in common."""

import importlib
from collections.abc import Mapping, Sequence

import torch

from cragru.backbones.adam import Adam
from cragru.backbones.base import TrainingData
from cragru.backbones.graph import NormalisedGraph
from cragru.backbones.learner import Task
from cragru.backbones.options import TrainingOptions
from cragru.backbones.trainer import Trainer, Training, choose_device
from cragru.plugins.options import read_options


def warm_up(device: str) -> None:
    """Do what only a process's first training does, so that no timer takes it for work.

    The first product with a graph imports dgl, the first gradient on a CPU numba, the first use of a GPU starts it and
    loads its libraries: each may last longer than a request.
    """
    place = choose_device(device)
    if place.type == "cpu":
        from cragru.backbones.kernels import load  # late: a GPU has no need of numba

        load()
    square = torch.eye(2, device=place)
    Adam([square.clone()], 0.1).step([square])
    torch.cholesky_solve(square @ square, torch.linalg.cholesky_ex(square).L)
    NormalisedGraph(torch.tensor([0]), torch.tensor([1]), 2, place).propagate(square)


def training_options(module: str, given: Mapping[str, object]) -> TrainingOptions:
    """Read a backbone's hyper-parameters as params.yaml has them, by its module's ``Options`` where it has any.

    Raises:
        CragruError: With every option that is not what it must be.
    """
    kind = getattr(importlib.import_module(module), "Options", TrainingOptions)
    return read_options(kind, given)


def train_backbone(
    module: str, name: str, data: TrainingData, options: TrainingOptions, seed: int, device: str
) -> tuple[Training, torch.device]:
    """Build a backbone by its module's ``build(shards, options, device)``, and train it.

    The random stream depends on the seed and the backbone's name alone, never on the method that asks: with nothing to
    forget, Retrain is the original model to the bit.

    Returns:
        The training, and the device that it ran on (`choose_device`).
    """
    place = choose_device(device)
    task = Task(data, name, options.batch_size)
    (training,) = train_models(module, [task], options, seed, place)
    return training, place


def train_side_by_side(device: torch.device) -> bool:
    """Return whether models of a tenth of the data train as one table: on a GPU, which one of them leaves idle.

    On a CPU one after the other is faster: the table of one stays in the cache (docs/fidelity.md has the seconds).
    """
    return device.type != "cpu"


def train_models(
    module: str, tasks: Sequence[Task], options: TrainingOptions, seed: int, device: torch.device
) -> list[Training]:
    """Train several models of one backbone, each as if it were alone (`train_side_by_side`).

    The names of their random streams differ. There is one training a task, in their order.
    """
    build = importlib.import_module(module).build
    groups = [tasks] if train_side_by_side(device) else [[task] for task in tasks]
    trained = [Trainer(build, group, options, seed, device).fit() for group in groups]
    return [training for group in trained for training in group]
