"""GraphEraser (Chen et al. 2022) for recommendation: shards of balanced communities, a learnt weight for each shard.

The published method partitions a graph of nodes and loses the edges between communities: nine in ten between users and
items. So here communities are of users, and items stand in all of them (`cragru.unlearning.partition.blpa`, `bekm`).

The weights of shards (LBAggr) are the same for every user. Where each user is in one shard, the rule `mask` leaves
only that shard's score to them, and a positive weight does not change their order.
"""

import torch
from pydantic import Field
from torch import Tensor
from torch.linalg import vecdot, vector_norm

from cragru.backbones.adam import Adam
from cragru.backbones.base import FactorModel, TrainingData
from cragru.backbones.sampling import NegativeSampler
from cragru.backbones.trainer import Stopwatch, choose_device
from cragru.core.seeds import torch_stream
from cragru.plugins.options import read_options
from cragru.unlearning.aggregation import combine, presence, user_weights
from cragru.unlearning.base import Context, Unlearned
from cragru.unlearning.options import Missing, ShardOptions
from cragru.unlearning.sharding import Renewed, renew


class Options(ShardOptions):
    """GraphEraser's options.

    Attributes:
        missing: As for SISA.
        pairs: Triplets (user, item, sampled item) that LBAggr learns from.
        penalty: λ of the norm of the weights.
        rate: Adam's learning rate for the weights.
        rounds: Its steps, each over all pairs.
    """

    missing: Missing = "mask"
    pairs: int = Field(default=10_000, ge=1)
    penalty: float = Field(default=0.001, ge=0)
    rate: float = Field(default=0.02, gt=0)
    rounds: int = Field(default=200, ge=1)


def unlearn(context: Context) -> Unlearned:
    """Renew the touched shards, learn their weights from what remains, and sum the weighted scores."""
    options = read_options(Options, context.method_options)
    shards = renew(context, options)
    watch = Stopwatch(choose_device(context.device))
    users, _ = presence(shards.data)
    differences = score_differences(shards, context.remain, options, context.seed)
    learnt = learn_weights(differences, options)
    weights = user_weights(users, options.missing, learnt)
    model = combine(shards.models, shards.data, weights, options.missing)
    return shards.served(model, watch.lap(), steps=options.rounds)


def score_differences(shards: Renewed, remain: TrainingData, options: Options, seed: int) -> Tensor:
    """Return what each shard adds to ``x_ui - x_uj`` for sampled triplets, before it is weighted.

    It is `[pairs, S]` float64; 0 where the shard does not count for the user.
    """
    stream = torch_stream(seed, "grapheraser", "pairs")
    all_users, all_items = remain.train
    rows = len(all_users)
    drawn = torch.randint(rows, (min(options.pairs, rows),), generator=stream)
    users = all_users[drawn]
    sampler = NegativeSampler(remain.train, remain.users, remain.items)
    triplets = users, all_items[drawn], sampler.sample(users, stream)
    there, _ = presence(shards.data)
    counted = user_weights(there, options.missing)[users]
    differences = []
    for shard, model in enumerate(shards.models):
        difference = _difference(model, triplets)
        differences.append(difference * counted[:, shard])
    return torch.stack(differences, dim=1)


def learn_weights(differences: Tensor, options: Options) -> Tensor:
    """Learn weights `[S]` with sum 1 of the shards that rank the positive items of triplets first (LBAggr).

    Minimises ``mean(-log σ(Σ_s w_s Δ_s)) + λ ‖w‖₂`` with w not negative, by projected Adam, from equal weights; Δ is
    `[P, S]` from `score_differences`. Each shard's differences are divided by their standard deviation first, and so
    are the weights in the end: λ is arbitrary else, for inner products have no scale of their own.
    """
    deviations = differences.std(dim=0, correction=0)
    scale = torch.where(deviations > 0, deviations, 1.0)
    scaled = differences / scale
    count = differences.shape[1]
    equal = torch.full((count,), 1 / count, dtype=differences.dtype)
    weights = equal.clone()
    adam = Adam([weights], options.rate)
    for _ in range(options.rounds):
        margins = scaled @ weights
        slope = -torch.sigmoid(-margins) / len(scaled)
        norm = vector_norm(weights)
        shrink = weights / norm if norm > 0 else torch.zeros_like(weights)
        gradient = scaled.T @ slope + options.penalty * shrink
        adam.step([gradient])
        weights.clamp_(min=0)
    learnt = weights / scale
    total = learnt.sum()
    return learnt / total if total > 0 else equal


def _difference(model: FactorModel, triplets: tuple[Tensor, ...]) -> Tensor:
    users, positives, negatives = triplets
    u = model.user_factors[users]
    i = model.item_factors[positives]
    j = model.item_factors[negatives]
    return vecdot(u, i - j).double().cpu()
