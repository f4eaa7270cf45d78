"""Conjugate gradient for ``(B + λI) p = v``, where B is known by its products alone (Hestenes and Stiefel 1952)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.linalg import vector_norm

from cragru.core.errors import CragruError

Product = Callable[[Tensor], Tensor]

LOOSEST = 1e-2  # relative residual above which a solve that ran out of iterations is refused
RAISE = "raise damping in config/params.yaml"
MORE = "raise damping or iterations in config/params.yaml"
MEND = "train the original anew, or raise damping in config/params.yaml"


@dataclass(frozen=True)
class Solution:
    """What a solve gives back: p, of the shape of v, and its residual ``‖(B + λI) p − v‖ / ‖v‖``.

    There is one product with B more than iterations, for the residual is measured, not carried along.
    """

    step: Tensor
    iterations: int
    products: int
    residual: float


def conjugate_gradient(
    product: Product, right: Tensor, damping: float, tolerance: float, iterations: int
) -> Solution:
    """Solve ``(B + λI) p = v`` from p = 0, which stays the answer where v is zero.

    B is symmetric and positive semi-definite; `right` is v, and `damping` is λ > 0. The tolerance is the relative
    residual at which to stop; after so many iterations, at least one, `LOOSEST` is accepted.

    Raises:
        CragruError: If v is not finite, if λ leaves a direction without positive curvature, or if the residual stays
            above `LOOSEST`.
    """
    require_finite(right, "gradient")
    size = vector_norm(right).item()
    if size == 0:
        return Solution(torch.zeros_like(right), 0, 0, 0.0)
    attempts = iterates(product, right, damping)
    done, left_over = 0, size
    while left_over > tolerance * size and done < iterations:
        step, left_over = next(attempts)
        done += 1
    rest = product(step).add_(step, alpha=damping).sub_(right)
    residual = vector_norm(rest).item() / size
    most = max(tolerance, LOOSEST)
    if not residual <= most:
        at = f"damping {damping:g}"
        raise CragruError(
            f"residual above {most:g} after {done} iterations", place=at, got=residual, advice=MORE
        )
    return Solution(step, done, done + 1, residual)


def iterates(product: Product, right: Tensor, damping: float) -> Iterator[tuple[Tensor, float]]:
    """Yield the iterates without end, each with the norm of its residual as carried along.

    Raises:
        CragruError: If a search direction has no positive curvature.
    """
    step = torch.zeros_like(right)
    residual = right.clone()
    direction = residual.clone()
    square = residual.square().sum()
    while True:
        image = product(direction).add_(direction, alpha=damping)
        curvature = (direction * image).sum()
        if not curvature > 0:
            at, got = f"damping {damping:g}", curvature.item()
            raise CragruError("curvature is not positive", place=at, got=got, advice=RAISE)
        length = square / curvature
        step = step + length * direction
        residual = residual - length * image
        before = square
        square = residual.square().sum()
        yield step, square.sqrt().item()
        direction = residual + (square / before) * direction


def require_finite(tensor: Tensor, name: str) -> None:
    """Refuse a tensor that holds an infinity or no number.

    Raises:
        CragruError: If it does, with how many.
    """
    bad = int((~torch.isfinite(tensor)).sum())
    if bad:
        raise CragruError("holds numbers that are not finite", place=name, got=bad, advice=MEND)
