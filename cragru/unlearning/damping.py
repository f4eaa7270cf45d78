"""The choice of an influence method's damping: once for each data set and backbone, on validation rows alone.

Small dampings forget more, or push rows too far, and break more. The rule: of those whose validation NDCG@10 is at most
5 % below the original's, the one whose two-sided AUC of calibrated scores is nearest to that of Retrains
(`cragru.evaluation.membership.Calibrated`). Forgotten rows are held against validation rows; test rows are never read.
"""

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean
from types import ModuleType

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from cragru.backbones.base import Scorer
from cragru.backbones.learner import Validator
from cragru.backbones.trainer import Stopwatch
from cragru.core.errors import CragruError
from cragru.evaluation.calibration import calibrated_scores
from cragru.evaluation.membership import Calibrated
from cragru.ranking.full import Pairs, PairSet
from cragru.unlearning.base import Context
from cragru.unlearning.influence import Request

GRID = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
ALLOWED_LOSS = 0.05  # of the original's validation NDCG@10
JUDGED = ("ndcg", "calibrated", "two_sided", "shift")
MEASURED = (*JUDGED, "loss", "distance", "left", "hessian_products", "seconds", "iterations")
SINGLE = "choose it under a protocol that forgets single interactions"
LARGER = "try larger ones, and set damping in config/params.yaml"
MORE_DATA = "use a larger data set"
CHANCE = 0.5  # an AUC that separates nothing


def search(
    context: Context, method: ModuleType, shadows: Sequence[Scorer], grid: Sequence[float] = GRID
) -> pd.DataFrame:
    """Try a method's dampings; what does not depend on them is prepared once.

    Args:
        context: The request; its own option `damping` is not looked at.
        method: The module of `ifru` or `scif`.
        shadows: Retrains of the split, one at least.
        grid: Dampings.

    Returns:
        One row per damping: what `Judge` finds of the original (`original_…`) and of the model; `null`, the mean of
        `two_sided` of each shadow, held against the others (.5 of a single one), and `null_low` and `null_high`, the
        least and the largest; `loss`, relative, of validation NDCG; `distance` of `two_sided` from the null; `left`,
        shift as a share of the original's; `seconds` of the solve, `prepare_seconds` spent once; `failure`, of a solve
        that broke down, without numbers.
    """
    request, original = method.read(context), context.reader.original()
    watch = Stopwatch(request.table.device)
    prepared = method.prepare(context, request)
    prepare_seconds = watch.lap().wall
    judge = Judge(request, shadows)
    found = judge(original)
    null = judge.null()
    head = {f"original_{name}": value for name, value in found.items()}
    head |= {"null": fmean(null), "null_low": min(null), "null_high": max(null)}
    rows = []
    for damping in grid:
        watch.lap()
        row = {"damping": damping, **head, "prepare_seconds": prepare_seconds, "failure": ""}
        rows.append(row)
        try:
            step = prepared.solve(damping)
            model = prepared.influence.model(step.change)
        except CragruError as error:
            row["failure"] = str(error)
            continue
        row |= {"seconds": watch.lap().wall, "hessian_products": step.products, **step.facts}
        row |= judge(model)
    columns = ["damping", *head, *MEASURED, "residual", "prepare_seconds", "failure"]
    frame = pd.DataFrame(rows).reindex(columns=columns)
    frame["loss"] = 1 - frame["ndcg"] / frame["original_ndcg"]
    frame["distance"] = (frame["two_sided"] - frame["null"]).abs()
    frame["left"] = frame["shift"] / frame["original_shift"]
    return frame


def choose(frame: pd.DataFrame, allowed_loss: float = ALLOWED_LOSS) -> float:
    """Return the damping nearest to the null of those that lose at most `allowed_loss` of NDCG.

    The frame is what `search` gives. The nearest may be as far as the original: there are methods that do not forget by
    this measure, which is a result.

    Raises:
        CragruError: If every damping loses more, or nothing could be judged.
    """
    losses = frame["loss"]
    is_blind = frame["two_sided"].isna().all()
    if is_blind and not losses.isna().all():
        raise CragruError("no user has rows of both kinds", place="damping", advice=SINGLE)
    distance = frame["distance"][losses <= allowed_loss].dropna()
    if distance.empty:
        lost = losses.round(3).set_axis(frame["damping"]).to_dict()
        most = f"{allowed_loss:.0%}"
        raise CragruError(f"NDCG falls by over {most}", place="damping", got=lost, advice=LARGER)
    return float(frame.loc[distance.idxmin(), "damping"])


class Judge:
    """What validation rows say of a model: NDCG, and what it still knows of forgotten rows."""

    def __init__(self, request: Request, shadows: Sequence[Scorer]) -> None:
        """Index the rows.

        Raises:
            CragruError: If there is no validation row.
        """
        remain, device = request.remain, request.table.device
        if not len(remain.valid[0]):
            raise CragruError("the split has no validation row", place="damping", advice=MORE_DATA)
        self._shadows = shadows
        self._remaining = PairSet(remain.train, remain.users, remain.items)
        self._validator = Validator(replace(remain, train=request.deployed), device)
        forget, valid = request.forget, remain.valid
        users = torch.unique(forget[0][torch.isin(forget[0], valid[0])])
        members, others = _of_users(forget, users), _of_users(valid, users)
        self._pairs = tuple(map(torch.cat, zip(members, others, strict=True)))
        is_member = torch.arange(len(self._pairs[0])) < len(members[0])
        self._rows = pd.DataFrame({"user": self._pairs[0].numpy(), "member": is_member.numpy()})
        self._users = users.tolist()

    def __call__(self, model: Scorer) -> dict[str, float]:
        """Return `JUDGED`.

        * `ndcg`: mean NDCG@10 of users with validation rows, forgotten rows masked;
        * `calibrated`, `two_sided`, `shift`: of forgotten rows against validation rows of the same users, see
          `cragru.evaluation.membership.Calibrated`; missing if no user has rows of both kinds.
        """
        ndcg = self._validator.ndcg(model).item()
        return dict(zip(JUDGED, (ndcg, *self._known(model, self._shadows)), strict=True))

    def null(self) -> list[float]:
        """Return the two-sided AUC of each shadow, held against the others; chance, where it is the only one."""
        found = []
        for number, model in enumerate(self._shadows):
            others = [*self._shadows[:number], *self._shadows[number + 1 :]]
            found.append(self._known(model, others)[1] if others else CHANCE)
        return found

    def _known(self, model: Scorer, shadows: Sequence[Scorer]) -> tuple[float, float, float]:
        if not self._users:
            return np.nan, np.nan, np.nan
        scores = calibrated_scores(model, shadows, self._pairs, self._remaining)
        rows = Calibrated(self._rows.assign(calibrated=scores.numpy()), self._users)
        everyone = np.ones((1, len(self._users)), dtype=np.int64)
        functions = (rows.auc, rows.two_sided_auc, rows.shift)
        auc, two_sided, shift = (float(function(everyone)[0]) for function in functions)
        return auc, two_sided, shift


def _of_users(pairs: Pairs, users: Tensor) -> Pairs:
    own = torch.isin(pairs[0], users)
    return pairs[0][own], pairs[1][own]
