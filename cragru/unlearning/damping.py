"""The choice of an influence method's damping: once for each data set and backbone, on validation rows alone.

Small dampings forget more and break more. The rule: the largest drop in membership whose validation NDCG@10 is at most
5 % below the original's. Both are judged on validation rows; test rows are never read.
"""

from collections.abc import Sequence
from dataclasses import replace
from types import ModuleType

import pandas as pd
import torch
from torch import Tensor

from cragru.backbones.base import Scorer
from cragru.backbones.learner import Validator
from cragru.backbones.trainer import Stopwatch
from cragru.core.errors import CragruError
from cragru.evaluation.membership import auc
from cragru.evaluation.percentiles import percentiles
from cragru.ranking.full import Pairs, pair_mask
from cragru.unlearning.base import Context
from cragru.unlearning.influence import Request

GRID = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
ALLOWED_LOSS = 0.05  # of the original's validation NDCG@10
MEASURED = ("ndcg", "membership", "hessian_products", "seconds", "iterations", "residual")
SINGLE = "choose it under a protocol that forgets single interactions"
LARGER = "try larger ones, and set damping in config/params.yaml"
MORE_DATA = "use a larger data set"


def search(context: Context, method: ModuleType, grid: Sequence[float] = GRID) -> pd.DataFrame:
    """Try a method's dampings; what does not depend on them is prepared once.

    The method is the module of `ifru` or `scif`; the request's own option `damping` is not looked at.

    Returns:
        One row per damping: the original's numbers, and `MEASURED`. `ndcg` is validation NDCG@10 with remaining and
        forgotten training rows masked, `loss` its relative loss, `membership` see `Judge.membership`; `seconds` are
        the solve's, `prepare_seconds` are spent once; `failure` tells of a solve that broke down, without numbers.
    """
    request, original = method.read(context), context.reader.original()
    watch = Stopwatch(request.table.device)
    prepared = method.prepare(context, request)
    prepare_seconds = watch.lap().wall
    judge = Judge(request)
    ndcg, membership = judge(original)
    before = {"original_ndcg": ndcg, "original_membership": membership}
    rows = []
    for damping in grid:
        watch.lap()
        row = {"damping": damping, **before, "prepare_seconds": prepare_seconds, "failure": ""}
        rows.append(row)
        try:
            step = prepared.solve(damping)
            model = prepared.influence.model(step.change)
        except CragruError as error:
            row["failure"] = str(error)
            continue
        row |= {"seconds": watch.lap().wall, "hessian_products": step.products, **step.facts}
        row["ndcg"], row["membership"] = judge(model)
    columns = ["damping", *before, "loss", *MEASURED, "prepare_seconds", "failure"]
    frame = pd.DataFrame(rows).reindex(columns=columns)
    frame["loss"] = 1 - frame["ndcg"] / frame["original_ndcg"]
    return frame


def choose(frame: pd.DataFrame, allowed_loss: float = ALLOWED_LOSS) -> float:
    """Return the damping with the largest drop in membership of those that lose at most `allowed_loss` of NDCG.

    The frame is what `search` gives. The largest drop may be a rise: there are methods that do not forget by this
    measure, which is a result.

    Raises:
        CragruError: If every damping loses more, or membership could not be measured.
    """
    losses = frame["loss"]
    is_blind = frame["membership"].isna().all()
    if is_blind and not losses.isna().all():
        raise CragruError("no user has rows of both kinds", place="damping", advice=SINGLE)
    drop = frame["original_membership"] - frame["membership"]
    drop = drop[losses <= allowed_loss].dropna()
    if drop.empty:
        lost = losses.round(3).set_axis(frame["damping"]).to_dict()
        most = f"{allowed_loss:.0%}"
        raise CragruError(f"NDCG falls by over {most}", place="damping", got=lost, advice=LARGER)
    return float(frame.loc[drop.idxmax(), "damping"])


class Judge:
    """Validation NDCG and membership of a model."""

    def __init__(self, request: Request) -> None:
        """Build the masks.

        Raises:
            CragruError: If there is no validation row.
        """
        remain, device = request.remain, request.table.device
        if not len(remain.valid[0]):
            raise CragruError("the split has no validation row", place="damping", advice=MORE_DATA)
        self._request = request
        self._remaining = pair_mask(remain.train, remain.users, remain.items, device)
        self._validator = Validator(replace(remain, train=request.deployed), device)

    def __call__(self, model: Scorer) -> tuple[float, float]:
        """Return mean NDCG@10 of users with validation rows, forgotten rows masked; and `membership`."""
        return self._validator.ndcg(model).item(), self.membership(model)

    def membership(self, model: Scorer) -> float:
        """Return how well the model's ranking tells forgotten from validation rows of the same users, as an AUC.

        A row's score is its percentile among the items that its user has no remaining row of. 0.5 is chance; NaN if
        no user has rows of both kinds.
        """
        forget, valid = self._request.forget, self._request.remain.valid
        forgetful = torch.unique(forget[0])
        users = forgetful[torch.isin(forgetful, valid[0])]
        members = percentiles(model, _of_users(forget, users), self._remaining)
        others = percentiles(model, _of_users(valid, users), self._remaining)
        return auc(members.numpy(), others.numpy())


def _of_users(pairs: Pairs, users: Tensor) -> Pairs:
    own = torch.isin(pairs[0], users)
    return pairs[0][own], pairs[1][own]
