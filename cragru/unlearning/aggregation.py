"""Scores of several shards as one factor model.

Shards are trained independently, so their factors cannot be averaged: each has its own rotation. Their *scores* can,
and ``Σ_s w_us ⟨P_s[u], Q_s[i]⟩`` is the inner product of the shards' factors one beside the other, the user's times the
weights. So whatever serves a single model serves an aggregate too.
"""

from collections.abc import Sequence

import torch

from cragru.backbones.base import FactorModel, TrainingData
from cragru.unlearning.options import Missing


def presence(data: Sequence[TrainingData]) -> tuple[torch.Tensor, torch.Tensor]:
    """Which users and which items have a training row in each shard: `[S, users]` and `[S, items]`, bool."""
    users = torch.zeros(len(data), data[0].users, dtype=torch.bool)
    items = torch.zeros(len(data), data[0].items, dtype=torch.bool)
    for shard, own in enumerate(data):
        users[shard, own.train[0]] = True
        items[shard, own.train[1]] = True
    return users, items


def user_weights(
    users: torch.Tensor, rule: Missing, shards: torch.Tensor | None = None
) -> torch.Tensor:
    """How much each shard's score counts for a user.

    A shard that has never seen a user scores from the user's random initial factors: noise.

    Args:
        users: `[S, users]` bool, whether the user has a training row in the shard.
        rule: `mask`: shards that have the user, weighted, normalised for each user; all of them, weighted, for users
            whom no shard has. `mean`: all shards (SISA to the letter). `zero`: as `mean`, but shards without the user
            give 0.
        shards: `[S]` weights of the shards, not negative; equal where missing.

    Returns:
        `[users, S]`.
    """
    there, count = users.T.double(), len(users)
    weights = torch.ones(count, dtype=torch.float64) if shards is None else shards.double()
    if rule == "mean":
        return (weights / weights.sum()).expand(len(there), count)
    if rule == "zero":
        return there * weights / weights.sum()
    masked = there * weights
    masked = torch.where(
        masked.sum(dim=1, keepdim=True) > 0, masked, there
    )  # only in shards of weight zero
    masked = torch.where(there.any(dim=1, keepdim=True), masked, weights)  # in no shard
    return masked / masked.sum(dim=1, keepdim=True)


def combine(
    models: Sequence[FactorModel],
    data: Sequence[TrainingData],
    weights: torch.Tensor,
    rule: Missing,
) -> FactorModel:
    """The aggregate of the shards' scores.

    An item that no training row of a shard names was drawn as a negative there, so its factors say that nobody of the
    shard took it; they are kept, but for the rule `zero`.

    Args:
        models: The model of every shard, with factors `[users, d]` and `[items, d]`.
        data: What the models were trained on.
        weights: `[users, S]`, from `user_weights`.
        rule: How items that no row of a shard names are scored.

    Returns:
        A model with factors `[users, S * d]` and `[items, S * d]`.
    """
    _, items = presence(data)
    weights = weights.to(models[0].user_factors.dtype)
    tables = {"user_factors": [], "item_factors": [], "user_embeddings": [], "item_embeddings": []}
    for shard, model in enumerate(models):
        weight = weights[:, shard : shard + 1]
        there = items[shard].unsqueeze(1)
        for name in ("user_factors", "user_embeddings"):
            tables[name].append(weight * getattr(model, name).cpu())
        for name in ("item_factors", "item_embeddings"):
            table = getattr(model, name).cpu()
            tables[name].append(table * there if rule == "zero" else table)
    joined = {name: torch.cat(parts, dim=1) for name, parts in tables.items()}
    return FactorModel(**joined)
