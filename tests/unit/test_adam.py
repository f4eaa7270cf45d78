"""Adam by torch's kernel: the optimiser's own steps, and nothing of torch's compiler."""

import subprocess
import sys

import torch

from cragru.backbones import kernels
from cragru.backbones.adam import Adam
from cragru.backbones.base import Batch
from cragru.backbones.bpr import bpr_gradient
from cragru.backbones.training import warm_up


def gradients(count):
    generator = torch.Generator().manual_seed(1)
    return [
        [torch.randn(4, 3, generator=generator), torch.randn(2, generator=generator)]
        for _ in range(count)
    ]


def test_steps_are_the_optimisers_to_the_bit():
    """One tensor rests in every third step, as a shard with fewer batches does."""
    tensors = [torch.ones(4, 3), torch.ones(2)]
    parameters = [torch.nn.Parameter(tensor.clone()) for tensor in tensors]
    ours, theirs = Adam(tensors, 0.01), torch.optim.Adam(parameters, lr=0.01, fused=True)
    for number, (first, second) in enumerate(gradients(10)):
        rests = number % 3 == 2
        parameters[0].grad, parameters[1].grad = first, None if rests else second
        theirs.step()
        ours.step([first, None if rests else second])
    assert all(
        torch.equal(tensor, parameter)
        for tensor, parameter in zip(tensors, parameters, strict=True)
    )


def test_moments_go_on():
    whole, cut = torch.ones(4, 3), torch.ones(4, 3)
    adam = Adam([whole], 0.01)
    parts = Adam([cut], 0.01)
    for number, (gradient, _) in enumerate(gradients(6)):
        adam.step([gradient])
        if number == 3:
            parts = Adam([cut], 0.01, parts.moments)
        parts.step([gradient])
    assert torch.equal(whole, cut)


def test_no_first_step_compiles_after_the_warm_up():
    warm_up("cpu")
    compiled = [set(kernel.signatures) for kernel in (kernels.add_bpr, kernels.add_norms)]
    assert all(compiled)
    rows, ones = torch.zeros(2, dtype=torch.int64), torch.ones(2)
    bpr_gradient(torch.ones(3, 4), Batch(rows, rows, rows, ones, rows))
    assert [set(kernel.signatures) for kernel in (kernels.add_bpr, kernels.add_norms)] == compiled


def test_a_step_does_not_import_the_compiler():
    code = (
        "import sys, torch; from cragru.backbones.training import warm_up; warm_up('cpu'); "
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
