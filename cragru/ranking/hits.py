"""HR and NDCG of ranked lists, one definition for early stopping, strategies and the evaluation.

The definitions are RecBole's (`Hit` and `NDCG` on a full ranking), to 1e-6:

* HR@K of a user is 1 if any of the first K items is relevant, else 0.
* NDCG@K is DCG / IDCG with ``DCG = Σ_{r≤K} rel_r / log2(r + 1)`` and
  ``IDCG = Σ_{r≤min(|relevant|, K)} 1 / log2(r + 1)``.

The functions use methods of their tensors alone and import nothing: `cragru.evaluation.metrics` registers them, and
tables, whose environment has no torch, read that module. What else the evaluation measures is defined there.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def hit_ratio(hits: "torch.Tensor", k: int) -> "torch.Tensor":
    """HR@k of each user from the hit matrix `[B, K]` (bool, best place first); returns `[B]` float64."""
    return hits[:, :k].any(dim=1).double()


def ndcg(hits: "torch.Tensor", relevant: "torch.Tensor", k: int) -> "torch.Tensor":
    """NDCG@k of each user.

    Args:
        hits: `[B, K]` bool, whether the item at each place is relevant, best place first.
        relevant: `[B]` int64, how many relevant items each user has; at least 1.
        k: Cut-off; places beyond the hit matrix hold no hit.

    Returns:
        `[B]` float64.
    """
    places = hits.new_ones(k).cumsum(0)  # 1 to k, on the device of the hits
    discounts = 1 / (places + 1).double().log2()
    gained = (hits[:, :k].double() * discounts[: hits.shape[1]]).sum(dim=1)
    ideal = discounts.cumsum(0)[relevant.clamp(max=k) - 1]
    return gained / ideal
