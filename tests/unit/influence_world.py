"""A small world in float64 for the tests of influence methods: who liked what, what is forgotten, a random model."""

from dataclasses import dataclass, field, replace

import torch

from cragru.backbones import lightgcn
from cragru.backbones.base import FactorModel, TrainingData
from cragru.unlearning.base import Context
from cragru.unlearning.influence import Influence, linearise, read_request

DOUBLE = torch.float64
CPU = torch.device("cpu")
USERS, ITEMS, D = 12, 15, 3
LAYERS = {"bpr": 0, "lightgcn": 2}


@dataclass
class FakeReader:
    """Hands out what it was given, and notes what was asked for."""

    data: TrainingData
    forgotten: tuple[torch.Tensor, torch.Tensor]
    model: FactorModel
    stars: torch.Tensor
    asked: list[str] = field(default_factory=list)

    def remain(self):
        self.asked.append("remain")
        return self.data

    def forget(self):
        self.asked.append("forget")
        return self.forgotten

    def original(self):
        self.asked.append("original")
        return self.model

    def ratings(self):
        self.asked.append("ratings")
        return self.stars


def interactions(seed=1, share=0.4, users=USERS, items=ITEMS):
    """Draw random (user, item) pairs, `[2, n]`."""
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(users, items, generator=generator) < share).nonzero().T


def world(backbone="bpr", forgotten=9, seed=1, layers=None, scale=0.8, **options):
    """Make a request on random data with a random model; `forgotten` rows go, or those of a bool mask."""
    generator = torch.Generator().manual_seed(seed + 100)
    pairs = interactions(seed)
    order = torch.randperm(pairs.shape[1], generator=generator)
    valid, train = pairs[:, order[:10]], pairs[:, order[10:]]
    gone = torch.zeros(train.shape[1], dtype=torch.bool)
    if isinstance(forgotten, int):
        gone[:forgotten] = True
    else:
        gone[forgotten] = True
    data = TrainingData(tuple(train[:, ~gone]), tuple(valid), USERS, ITEMS)
    table = torch.randn(USERS + ITEMS, D, generator=generator, dtype=DOUBLE) * scale
    model = FactorModel(table[:USERS], table[USERS:], table[:USERS], table[USERS:])
    stars = torch.randint(1, 6, (train.shape[1],), generator=generator).float()[~gone]
    training = {
        "dimensions": D,
        "learning_rate": 0.01,
        "batch_size": 8,
        "epochs": 1,
        "patience": 1,
        "regularisation": 0.0,
    }
    settings = lightgcn.Options(
        **training, layers=LAYERS[backbone] if layers is None else layers
    ).in_double()
    reader = FakeReader(data, tuple(train[:, gone]), model, stars)
    return Context(reader, f"cragru.backbones.{backbone}", backbone, settings, options, seed, "cpu")


def without_forgetting(context):
    """Return the same request with nothing to forget: the forgotten rows stay."""
    reader = context.reader
    train = tuple(
        torch.cat(sides) for sides in zip(reader.data.train, reader.forgotten, strict=True)
    )
    nothing = (torch.zeros(0, dtype=torch.int64),) * 2
    stars = torch.cat([reader.stars, torch.full((len(reader.forgotten[0]),), 3.0)])
    return replace(
        context, reader=FakeReader(replace(reader.data, train=train), nothing, reader.model, stars)
    )


def linearised(context, negatives=4) -> Influence:
    return linearise(context, read_request(context, ratings=True), negatives)


def dense_map(pairs, layers, users=USERS, items=ITEMS):
    """Write out the matrix from parameters to factors: the mean of powers of the normalised adjacency."""
    matrix = torch.zeros(users + items, users + items, dtype=DOUBLE)
    matrix[pairs[0], pairs[1] + users] = 1
    matrix = matrix + matrix.T
    scale = matrix.sum(1).clamp(min=1).rsqrt()
    matrix = scale[:, None] * matrix * scale
    return sum(torch.linalg.matrix_power(matrix, k) for k in range(layers + 1)) / (layers + 1)


def margins(factors, pairs, negatives, users=USERS):
    """Write out ``x_uij`` of rows with negatives, `[n, K]`, for autograd."""
    left, positive, negative = (
        factors[pairs[0]],
        factors[users + pairs[1]],
        factors[users + negatives],
    )
    return (left * positive).sum(1, keepdim=True) - (left.unsqueeze(1) * negative).sum(2)


def loss(table, read_out, pairs, negatives, users=USERS):
    """Write out the summed pairwise loss of the parameters, for autograd."""
    x = margins(read_out @ table, pairs, negatives, users)
    return torch.nn.functional.softplus(-x).sum() / negatives.shape[1]


def autograd(function, table):
    leaf = table.clone().requires_grad_()
    return torch.autograd.grad(function(leaf), leaf)[0]


def matrix_of(product, like):
    """Return a linear map's matrix, column by column."""
    basis = torch.eye(like.numel(), dtype=like.dtype)
    return torch.stack([product(column.view_as(like)).reshape(-1) for column in basis], dim=1)


def renumbered(context, negatives):
    """Renumber users and items of a request, and draw it the same negatives.

    Returns:
        The other context, the new place of every row of the table, and a stand-in for `linearise`.
    """
    users = torch.randperm(USERS, generator=torch.Generator().manual_seed(13))
    items = torch.randperm(ITEMS, generator=torch.Generator().manual_seed(14))
    nodes = torch.cat([users, items + USERS])
    reader, model = context.reader, context.reader.model

    def renumber(pairs):
        return users[pairs[0]], items[pairs[1]]

    old = torch.cat([model.user_embeddings, model.item_embeddings])
    moved = torch.empty_like(old).index_copy_(0, nodes, old)
    new_model = replace(model, user_embeddings=moved[:USERS], item_embeddings=moved[USERS:])
    data = replace(
        reader.data, train=renumber(reader.data.train), valid=renumber(reader.data.valid)
    )
    other = replace(
        context, reader=FakeReader(data, renumber(reader.forgotten), new_model, reader.stars)
    )
    drawn = linearised(context, negatives).negatives

    def same_negatives(its_context, request, count):
        built = linearised(its_context, count)
        return Influence(request, built.before, built.after, items[drawn])

    return other, nodes, same_negatives
