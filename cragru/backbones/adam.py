"""Adam (Kingma and Ba 2015) by torch's own fused kernel, without the optimiser class around it.

The first use of that class imports torch's compiler: 1.5 seconds, longer than many a request takes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim.adam import adam


@dataclass(frozen=True)
class Moments:
    """What Adam remembers of one tensor: steps so far, and running means of its gradient and of its square."""

    steps: Tensor
    first: Tensor
    second: Tensor

    @classmethod
    def fresh(cls, tensor: Tensor) -> "Moments":
        """Return the moments before the first step: zeros."""
        steps = torch.zeros((), dtype=torch.float32, device=tensor.device)
        return cls(steps, torch.zeros_like(tensor), torch.zeros_like(tensor))


class Adam:
    """Moves some tensors in place; each has moments of its own, so that one can rest while others move."""

    def __init__(
        self, tensors: Sequence[Tensor], rate: float, moments: Sequence[Moments] = ()
    ) -> None:
        """Take up the tensors, with moments to go on with; by default fresh ones."""
        self._tensors, self._rate = list(tensors), rate
        self.moments = list(moments) or [Moments.fresh(tensor.detach()) for tensor in tensors]

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor | None]) -> None:
        """Step against the gradients; a tensor without one stays as it is, and so do its moments."""
        tensors, slopes, first, second, steps = [], [], [], [], []
        for tensor, gradient, moments in zip(self._tensors, gradients, self.moments, strict=True):
            if gradient is None:
                continue
            tensors.append(tensor)
            slopes.append(gradient)
            first.append(moments.first)
            second.append(moments.second)
            steps.append(moments.steps)
        adam(
            tensors,
            slopes,
            first,
            second,
            [],
            steps,
            foreach=False,
            fused=True,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=self._rate,
            weight_decay=0.0,
            eps=1e-8,
            maximize=False,
        )
