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

    The first product with a graph imports dgl, the first use of a GPU starts it and loads its libraries: both may last
    longer than a request.

    Args:
        device: `auto`, `cpu` or `cuda`.
    """
    place = choose_device(device)
    square = torch.eye(2, device=place)
    Adam([square.clone()], 0.1).step([square])
    torch.cholesky_solve(square @ square, torch.linalg.cholesky_ex(square).L)
    NormalisedGraph(torch.tensor([0]), torch.tensor([1]), 2, place).propagate(square)


def training_options(module: str, given: Mapping[str, object]) -> TrainingOptions:
    """Read a backbone's hyper-parameters.

    Args:
        module: The backbone's module, with a class ``Options`` where it takes more than training does.
        given: The options by name, as params.yaml has them.

    Raises:
        CragruError: With every option that is not what it must be.
    """
    return read_options(getattr(importlib.import_module(module), "Options", TrainingOptions), given)


def train_backbone(
    module: str, name: str, data: TrainingData, options: TrainingOptions, seed: int, device: str
) -> tuple[Training, torch.device]:
    """Build and train a backbone.

    The random stream depends on the seed and the backbone alone, never on the method that asks: with nothing to
    forget, Retrain is the original model to the bit.

    Args:
        module: Module with ``build(shards, options, device)``.
        name: The backbone's name.
        data: What the model may see.
        options: The backbone's hyper-parameters.
        seed: Seed of the random streams.
        device: `auto`, `cpu` or `cuda`.

    Returns:
        The training, and the device it ran on.
    """
    place = choose_device(device)
    task = Task(data, name, options.batch_size)
    (training,) = train_together(module, [task], options, seed, place)
    return training, place


def train_together(
    module: str, tasks: Sequence[Task], options: TrainingOptions, seed: int, device: torch.device
) -> list[Training]:
    """Train several models of one backbone side by side, each as if it were alone.

    Args:
        module: Module with ``build(shards, options, device)``.
        tasks: What to train; the names of their random streams differ.
        options: Hyper-parameters of all.
        seed: Seed of the random streams.
        device: Where to train.

    Returns:
        One training a task, in their order.
    """
    return Trainer(importlib.import_module(module).build, tasks, options, seed, device).fit()
