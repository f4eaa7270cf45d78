"""Conjugate gradient for ``(B + λI) p = v``, where B is known by its products alone (Hestenes and Stiefel 1952)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from cragru.core.errors import CragruError

Product = Callable[[torch.Tensor], torch.Tensor]

LOOSEST = 1e-2  # relative residual above which a solve that ran out of iterations is an error, not a rough answer


@dataclass(frozen=True)
class Solution:
    """What a solve gives back.

    Attributes:
        step: p, of the shape of v.
        iterations: Iterations of conjugate gradient.
        products: With B; one more than iterations, for the residual is measured, not carried along.
        residual: ``‖(B + λI) p − v‖ / ‖v‖``.
    """

    step: torch.Tensor
    iterations: int
    products: int
    residual: float


def conjugate_gradient(
    product: Product, right: torch.Tensor, damping: float, tolerance: float, iterations: int
) -> Solution:
    """Solve ``(B + λI) p = v`` from p = 0, which stays the answer where v is zero.

    Args:
        product: Multiplies a tensor of v's shape with B, symmetric and positive semi-definite.
        right: v.
        damping: λ > 0.
        tolerance: Relative residual at which to stop.
        iterations: At most so many, at least one. A solve that needs more is accepted while its residual is at most
            `LOOSEST`, and says so in `residual`.

    Raises:
        CragruError: If v or p is not finite, if λ leaves a direction without positive curvature, or if the residual
            stays above `LOOSEST`.
    """
    require_damping(damping)
    require_finite(right, "the gradient of the forget set")
    size = torch.linalg.vector_norm(right).item()
    if size == 0:
        return Solution(torch.zeros_like(right), 0, 0, 0.0)
    attempts = iterates(product, right, damping)
    done, left_over = 0, size
    while left_over > tolerance * size and done < iterations:
        step, left_over = next(attempts)
        done += 1
    require_finite(step, f"the step at damping {damping:g}")
    rest = product(step).add_(step, alpha=damping).sub_(right)
    residual = torch.linalg.vector_norm(rest).item() / size
    if not residual <= max(tolerance, LOOSEST):
        raise CragruError(
            f"conjugate gradient: relative residual {residual:.2g} after {done} iterations at damping {damping:g}, "
            f"allowed at most {max(tolerance, LOOSEST):g}; raise damping or iterations in config/params.yaml"
        )
    return Solution(step, done, done + 1, residual)


def iterates(
    product: Product, right: torch.Tensor, damping: float
) -> Iterator[tuple[torch.Tensor, float]]:
    """The iterates of conjugate gradient, each with the norm of its residual (as carried along), without end.

    Raises:
        CragruError: If a search direction has no positive curvature.
    """
    step, residual = torch.zeros_like(right), right.clone()
    direction = residual.clone()
    square = residual.square().sum()
    while True:
        image = product(direction).add_(direction, alpha=damping)
        curvature = (direction * image).sum()
        if not curvature > 0:
            raise CragruError(
                f"conjugate gradient: curvature {curvature.item():.3g} along a search direction at damping "
                f"{damping:g}, must be positive; raise damping in config/params.yaml"
            )
        length = square / curvature
        step = step + length * direction
        residual = residual - length * image
        before, square = square, residual.square().sum()
        yield step, square.sqrt().item()
        direction = residual + (square / before) * direction


def require_damping(damping: float) -> None:
    """Refuse a damping that is not positive and finite.

    Raises:
        CragruError: For any other.
    """
    if not 0 < damping < float("inf"):
        raise CragruError(f"damping: got {damping}, must be above 0; set it in config/params.yaml")


def require_finite(tensor: torch.Tensor, what: str) -> None:
    """Refuse a tensor that holds an infinity or no number.

    Raises:
        CragruError: If it does.
    """
    if not bool(torch.isfinite(tensor).all()):
        bad = int((~torch.isfinite(tensor)).sum())
        raise CragruError(
            f"{what} holds {bad} values that are no finite numbers; check that the original model was trained well, "
            "or raise damping in config/params.yaml"
        )
