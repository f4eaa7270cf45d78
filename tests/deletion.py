"""A small deletion request for the tests of unlearning methods: two tastes, a forget set, a strict reader.

And all methods of config/params.yaml, each with a request as its entry there asks for it.
"""

import contextlib
import importlib
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from cragru.backbones import lightgcn
from cragru.backbones.base import FactorModel, TrainingData
from cragru.backbones.options import TrainingOptions
from cragru.backbones.training import train_backbone
from cragru.config.base import load_yaml, parse
from cragru.config.models import Params
from cragru.core.errors import CragruError
from cragru.plugins.options import BaseOptions
from cragru.unlearning.base import Context, Deployed, Unlearned
from cragru.unlearning.partition.base import Problem
from cragru.unlearning.sharding import deploy

ROOT = Path(__file__).parents[1]
PARAMS = parse(Params, load_yaml(ROOT / "config" / "params.yaml"), "params.yaml")
STATES = ("many", "one-user")
SMALL = {
    "shards": 3,
    "least_batch": 16,
    "attention_epochs": 15,
    "attention_rate": 0.02,
    "attention_batch": 64,
}
ROOMY = {"slack": 0.1}  # three shards of forty users cannot be as even as the shipped slack asks

MODULES = {"bpr": "cragru.backbones.bpr", "lightgcn": "cragru.backbones.lightgcn"}
USERS, ITEMS = 40, 30
TRAINING = {"dimensions": 8, "learning_rate": 0.02, "batch_size": 64, "patience": 5}
OPTIONS = {
    "bpr": TrainingOptions(**TRAINING, epochs=30),
    "lightgcn": lightgcn.Options(**TRAINING, epochs=12, layers=2, regularisation=1e-5),
}


class ForbiddenReadError(Exception):
    """A method looked at what it must not."""


@dataclass(frozen=True)
class Request:
    """Interactions, which of them are forgotten, and what was deployed before.

    Attributes:
        train: Users, items of D, in the order of their row numbers 0, 1, …
        valid: Users, items of the validation rows; their row numbers follow.
        forgotten: `[n]` bool, the rows of D to forget.
        allowed: What may be read beside what remains: `forget`, `original`, `deployed`.
        model: The original model, for those that read it.
        shards: Shard of each row of D and of each validation row.
        count: Number of shards.
        models: Deployed shards, or None.
        users: Number of users.
        items: Number of items.
        asked: What was read.
    """

    train: tuple[torch.Tensor, torch.Tensor]
    valid: tuple[torch.Tensor, torch.Tensor]
    forgotten: torch.Tensor
    allowed: frozenset[str] = frozenset()
    model: FactorModel | None = None
    shards: tuple[torch.Tensor, torch.Tensor] | None = None
    count: int = 0
    models: list[FactorModel] | None = None
    users: int = USERS
    items: int = ITEMS
    asked: list[str] = field(default_factory=list)

    def before(self) -> TrainingData:
        """Return what the deployed models trained on."""
        return TrainingData(self.train, self.valid, self.users, self.items)

    def forgotten_pairs(self) -> set[tuple[int, int]]:
        """Return D_f as pairs of ids."""
        users, items = (side[self.forgotten].tolist() for side in self.train)
        return set(zip(users, items, strict=True))

    def remain(self) -> TrainingData:
        kept = ~self.forgotten
        return replace(self.before(), train=(self.train[0][kept], self.train[1][kept]))

    def rows(self) -> tuple[torch.Tensor, torch.Tensor]:
        rows = torch.arange(len(self.forgotten) + len(self.valid[0]))
        return rows[: len(self.forgotten)][~self.forgotten], rows[len(self.forgotten) :]

    def ratings(self) -> torch.Tensor:
        """Let every third row be disliked."""
        return (torch.arange(len(self.forgotten)) % 3 > 0)[~self.forgotten] * 3.0 + 2.0

    def forget(self) -> tuple[torch.Tensor, torch.Tensor]:
        self._note("forget")
        return self.train[0][self.forgotten], self.train[1][self.forgotten]

    def original(self) -> FactorModel:
        self._note("original")
        return self.model

    def deployed(self) -> Deployed:
        self._note("deployed")
        rows = torch.arange(len(self.forgotten) + len(self.valid[0]))
        parts = rows.split([len(self.forgotten), len(self.valid[0])])
        read_model = None if self.models is None else self._read_model
        return Deployed(
            (parts[0], self.shards[0]), (parts[1], self.shards[1]), self.count, read_model
        )

    def _read_model(self, shard: int) -> FactorModel:
        self.asked.append(f"shard {shard}")
        return self.models[shard]

    def _note(self, what: str) -> None:
        if what not in self.allowed:
            raise ForbiddenReadError(f"{what} was read")
        self.asked.append(what)


def a_request(forget: float = 0.1, seed: int = 4) -> Request:
    """Let even users like even items, odd users odd ones; a fifth of what each likes is for validation."""
    generator = torch.Generator().manual_seed(seed)
    users, items = torch.meshgrid(torch.arange(USERS), torch.arange(ITEMS), indexing="ij")
    liked = (users % 2 == items % 2) & (torch.rand(USERS, ITEMS, generator=generator) < 0.7)
    pairs = liked.nonzero()
    valid = torch.arange(len(pairs)) % 5 == 0
    train = pairs[~valid]
    forgotten = torch.rand(len(train), generator=generator) < forget
    return Request(tuple(train.T.contiguous()), tuple(pairs[valid].T.contiguous()), forgotten)


def of_one_user(request: Request, user: int) -> Request:
    """Return the same state, and one user's training rows forgotten."""
    return replace(request, forgotten=request.train[0] == user)


def with_user_shards(request: Request, count: int) -> Request:
    """Put user u into shard ``u // 2 mod count``, so that both tastes are in each."""
    shards = tuple(side[0] // 2 % count for side in (request.train, request.valid))
    return replace(request, shards=shards, count=count, allowed=request.allowed | {"deployed"})


def with_original(
    request: Request, backbone: str, options: TrainingOptions | None = None
) -> Request:
    """Add the original model, trained on D."""
    options = options or OPTIONS[backbone]
    training, _ = train_backbone(MODULES[backbone], backbone, request.before(), options, 1, "cpu")
    return replace(request, model=training.model)


def a_context(
    request: Request, backbone: str, method_options: dict, options: TrainingOptions | None = None
) -> Context:
    """Return the request as a method gets it."""
    return Context(
        request, MODULES[backbone], backbone, options or OPTIONS[backbone], method_options, 1, "cpu"
    )


def own_options(name: str) -> dict[str, float | int | str | bool]:
    """Return the shipped options of a method, and toy sizes of those that it has."""
    entry = PARAMS.methods[name]
    known = getattr(importlib.import_module(entry.module), "Options", BaseOptions).model_fields
    return {**entry.options, **{key: value for key, value in SMALL.items() if key in known}}


def as_declared(name: str, backbone: str, request: Request) -> Request:
    """Add what the method's entry says that it may read, and nothing else."""
    entry = PARAMS.methods[name]
    request = replace(request, allowed=frozenset(entry.reads))
    if request.model is None and ("original" in entry.reads or entry.partition):
        request = with_original(request, backbone)
    return with_partition(name, request) if entry.partition else request


def with_partition(name: str, request: Request) -> Request:
    """Add the shards of the method's own partition, learnt on D and the original."""
    entry = PARAMS.methods[name]
    partition = PARAMS.partitions[entry.partition]
    problem = Problem(
        train=tuple(side.numpy() for side in request.train),
        valid=tuple(side.numpy() for side in request.valid),
        users=request.users,
        items=request.items,
        shards=3,
        options={**partition.options, **(ROOMY if "graph" in entry.module else {})},
        rng=np.random.default_rng(1),
        embeddings=(request.model.user_factors.numpy(), request.model.item_factors.numpy()),
    )
    made = importlib.import_module(partition.module).partition(problem)
    shards = (torch.from_numpy(made.train), torch.from_numpy(made.valid))
    return replace(request, shards=shards, count=3, allowed=request.allowed | {"deployed"})


def with_deployed(name: str, backbone: str, request: Request) -> Request:
    """Train the method's shards ahead of the request."""
    nothing = replace(request, forgotten=torch.zeros_like(request.forgotten), asked=[])
    trained = deploy(a_context(nothing, backbone, own_options(name)))
    return replace(request, models=[training.model for training in trained])


def request_for(name: str, backbone: str, state: str) -> Request:
    """Return what the method is served in one of the states.

    Args:
        name: The method.
        backbone: The backbone.
        state: `many`: a tenth of all rows, and nothing was trained ahead. `one-user`: a user leaves; a method with
            shards has them deployed.
    """
    return replace(_request_for(name, backbone, state), asked=[])


@cache
def _request_for(name: str, backbone: str, state: str) -> Request:
    request = replace(a_request(), model=_original(backbone))
    if state == "many":
        return as_declared(name, backbone, request)
    request = as_declared(name, backbone, of_one_user(request, 5))
    return with_deployed(name, backbone, request) if PARAMS.methods[name].partition else request


@cache
def _original(backbone: str) -> FactorModel:
    return with_original(a_request(), backbone).model


def serve(name: str, backbone: str, request: Request) -> Unlearned:
    """Return what the method gives back."""
    module = importlib.import_module(PARAMS.methods[name].module)
    return module.unlearn(a_context(request, backbone, own_options(name)))


@cache
def served(name: str, backbone: str, state: str) -> tuple[Request, Unlearned]:
    """Return a request, with what was read, and the answer; made once for all tests that only look at it."""
    request = request_for(name, backbone, state)
    return request, serve(name, backbone, request)


@contextlib.contextmanager
def refused_option(module: str, name: str, *facts: object):
    """Expect that an option is refused in one line that has its key path and some facts: wrong values, and texts."""
    with pytest.raises(CragruError) as caught:
        yield
    line = _closed(str(caught.value))
    assert line.startswith(f"cragru.unlearning.{module}:{name}:")
    for fact in facts:
        assert _closed(fact if isinstance(fact, str) else f"got {fact!r}") in line
    assert "\n" not in str(caught.value)


def _closed(text: str) -> str:
    return "".join(text.split())
