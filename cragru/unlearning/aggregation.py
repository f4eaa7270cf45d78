"""Scores of several shards as one factor model.

Each shard has a rotation of its own, so their factors cannot be averaged. Their *scores* can: ``Σ_s w_us ⟨P_s[u],
Q_s[i]⟩`` is the inner product of the shards' factors one beside the other, the user's times the weights.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from cragru.backbones.base import FIELDS, FactorModel, TrainingData
from cragru.unlearning.options import Missing


def presence(data: Sequence[TrainingData]) -> tuple[Tensor, Tensor]:
    """Return who and what has a training row in each shard: users `[S, users]` and items `[S, items]`, bool."""
    first = data[0]
    users = torch.zeros(len(data), first.users, dtype=torch.bool)
    items = torch.zeros(len(data), first.items, dtype=torch.bool)
    for shard, own in enumerate(data):
        its_users, its_items = own.train
        users[shard, its_users] = True
        items[shard, its_items] = True
    return users, items


def user_weights(users: Tensor, rule: Missing, shards: Tensor | None = None) -> Tensor:
    """Weigh each shard's score for each user: a shard that has never seen a user scores from random factors.

    Args:
        users: `[S, users]` bool, whether the user has a training row in the shard.
        rule: `mask`: shards that have the user, or all where none has. `mean`: all shards (SISA to the letter).
            `zero`: as `mean`, but shards without the user give 0.
        shards: `[S]` weights of the shards, not negative; equal where missing.

    Returns:
        `[users, S]`.
    """
    there = users.T.double()
    count = len(users)
    weights = torch.ones(count, dtype=torch.float64) if shards is None else shards.double()
    total = weights.sum()
    if rule == "mean":
        return (weights / total).expand(len(there), count)
    if rule == "zero":
        return there * weights / total
    masked = there * weights
    is_weighted = masked.sum(dim=1, keepdim=True) > 0
    masked = torch.where(is_weighted, masked, there)  # else only in shards of weight zero
    is_present = there.any(dim=1, keepdim=True)
    masked = torch.where(is_present, masked, weights)  # else in no shard
    return masked / masked.sum(dim=1, keepdim=True)


def combine(
    models: Sequence[FactorModel], data: Sequence[TrainingData], weights: Tensor, rule: Missing
) -> FactorModel:
    """Aggregate the shards' scores.

    The factors of an item that no training row of a shard names are those of a negative; the rule `zero` drops them.
    Shards with factors `[users, d]` and `[items, d]` become one model with `[users, S * d]` and `[items, S * d]`. The
    weights are `[users, S]`, from `user_weights`; the rule is the one that they were made by.
    """
    _, items = presence(data)
    weights = weights.to(models[0].user_factors.dtype)
    joined = {}
    for name in FIELDS:
        parts = []
        for shard, model in enumerate(models):
            part = getattr(model, name).cpu()
            if name.startswith("user"):
                part = weights[:, shard : shard + 1] * part
            elif rule == "zero":
                part = part * items[shard].unsqueeze(1)
            parts.append(part)
        joined[name] = torch.cat(parts, dim=1)
    return FactorModel(**joined)
