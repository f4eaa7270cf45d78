"""Gradients, Gauss-Newton products, conjugate gradient, negatives and the spillover, against autograd and dense solves.

Numbers such as P7.4 are those of the properties that the baselines were specified by.
"""

import dataclasses
import itertools
import math

import pytest
import torch
from influence_world import (
    CPU,
    DOUBLE,
    ITEMS,
    LAYERS,
    USERS,
    FakeReader,
    autograd,
    dense_map,
    interactions,
    linearised,
    loss,
    margins,
    matrix_of,
    without_forgetting,
    world,
)

from cragru.core.errors import CragruError
from cragru.unlearning import triplets
from cragru.unlearning.conjugate_gradient import LOOSEST, conjugate_gradient, iterates
from cragru.unlearning.influence import read_request
from cragru.unlearning.triplets import Triplets
from tests.refusals import refused

BOTH = pytest.mark.parametrize("backbone", LAYERS)


@pytest.fixture
def rows():
    """Rows in no order, with three negatives each, one of them twice."""
    pairs = interactions()
    pairs = pairs[:, torch.randperm(pairs.shape[1], generator=torch.Generator().manual_seed(3))]
    negatives = torch.randint(
        ITEMS, (pairs.shape[1], 3), generator=torch.Generator().manual_seed(4)
    )
    negatives[:, 2] = negatives[:, 1]
    return tuple(pairs), negatives


@pytest.fixture
def table():
    return torch.randn(USERS + ITEMS, 3, generator=torch.Generator().manual_seed(5), dtype=DOUBLE)


NOT_FINITE = "holds numbers that are not finite, got 1; train the original anew, or raise damping in config/params.yaml"
IDENTITY = torch.eye(USERS + ITEMS, dtype=DOUBLE)


# gradients and products


@pytest.mark.parametrize("entries", [1, 40, 1 << 17])
def test_gradient_is_autograds_whatever_the_blocks(rows, table, entries, monkeypatch):
    monkeypatch.setitem(triplets.BLOCK, "cpu", entries)
    own = Triplets(*rows, USERS, ITEMS, CPU)
    assert len(own.blocks) == {1: 12, 40: 6, 1 << 17: 1}[entries]
    assert torch.allclose(
        own.gradient(table), autograd(lambda t: loss(t, IDENTITY, *rows), table), atol=1e-12
    )


def test_gradient_by_finite_differences(rows, table):
    gradient = Triplets(*rows, USERS, ITEMS, CPU).gradient(table)
    for row, column in ((0, 1), (5, 2), (USERS, 0), (USERS + 7, 1)):
        step = torch.zeros_like(table)
        step[row, column] = 1e-6
        slope = (loss(table + step, IDENTITY, *rows) - loss(table - step, IDENTITY, *rows)) / 2e-6
        assert gradient[row, column].item() == pytest.approx(slope.item(), abs=1e-7)


def test_a_slope_knows_the_numbers_of_its_rows(rows, table):
    """Weights of rows in the caller's order reach their rows, although rows are sorted by user."""
    pairs, negatives = rows
    weights = torch.rand(len(pairs[0]), generator=torch.Generator().manual_seed(6), dtype=DOUBLE)
    own = Triplets(pairs, negatives, USERS, ITEMS, CPU)
    got = own.gradient(table, lambda x, numbers: weights[numbers].unsqueeze(1).expand_as(x))
    wanted = autograd(
        lambda t: (weights.unsqueeze(1) * margins(t, pairs, negatives)).sum() / 3, table
    )
    assert torch.allclose(got, wanted, atol=1e-12)


def test_only_users_with_rows_are_worked_on(rows, table):
    pairs, negatives = rows
    own = pairs[0] == 4
    one = Triplets((pairs[0][own], pairs[1][own]), negatives[own], USERS, ITEMS, CPU)
    assert [block.users.tolist() for block in one.blocks] == [[4]]
    gradient = one.gradient(table)
    assert not gradient[:USERS][torch.arange(USERS) != 4].any()
    assert (
        not Triplets((pairs[0][:0], pairs[1][:0]), negatives[:0], USERS, ITEMS, CPU)
        .gradient(table)
        .any()
    )


@BOTH
def test_gauss_newton_is_autograds(backbone):
    """P7.4: ``Jᵀ W J`` of the margins by the parameters; symmetric, and no direction has negative curvature."""
    influence = linearised(world(backbone))
    count = len(influence.request.remain.train[0])
    pairs, negatives = influence.request.remain.train, influence.negatives[:count]
    read_out, table = dense_map(pairs, LAYERS[backbone]), influence.request.table
    jacobian = torch.autograd.functional.jacobian(
        lambda t: margins(read_out @ t, pairs, negatives).reshape(-1), table
    )
    jacobian = jacobian.view(-1, table.numel())
    s = torch.sigmoid(margins(read_out @ table, pairs, negatives)).reshape(-1, 1)
    wanted = jacobian.T @ (s * (1 - s) / 4 * jacobian)
    got = matrix_of(
        influence.curvature(influence.remain, torch.ones(len(table), 1, dtype=torch.bool)), table
    )
    assert torch.allclose(got, wanted, atol=1e-12)
    assert torch.allclose(got, got.T, atol=1e-12)
    assert torch.linalg.eigvalsh(got).min() > -1e-12


def test_gauss_newton_is_the_slope_of_the_gradient_where_margins_are_linear(rows, table):
    """P7.4, finite differences: with items fixed margins are linear, so the Hessian is Gauss-Newton's."""
    own = Triplets(*rows, USERS, ITEMS, CPU)
    direction = torch.randn(table.shape, generator=torch.Generator().manual_seed(7), dtype=DOUBLE)
    direction[USERS:] = 0
    slope = (own.gradient(table + 1e-5 * direction) - own.gradient(table - 1e-5 * direction)) / 2e-5
    assert torch.allclose(own.gauss_newton(table)(direction)[:USERS], slope[:USERS], atol=1e-8)


@BOTH
def test_curvature_of_a_part_is_the_block_of_the_whole(backbone):
    influence = linearised(world(backbone))
    table = influence.request.table
    keep = torch.arange(len(table)).unsqueeze(1) % 3 == 0
    whole = matrix_of(influence.curvature(influence.deployed, torch.ones_like(keep)), table)
    mask = keep.expand_as(table).reshape(-1).double()
    part = matrix_of(influence.curvature(influence.deployed, keep), table)
    assert torch.allclose(part, mask[:, None] * whole * mask, atol=1e-12)


def test_single_precision_agrees(rows, table):
    own = Triplets(*rows, USERS, ITEMS, CPU)
    assert torch.allclose(own.gradient(table.float()).double(), own.gradient(table), atol=1e-5)
    single, exact = own.gauss_newton(table.float())(table.float()), own.gauss_newton(table)(table)
    assert torch.allclose(single.double(), exact, atol=1e-4)


# negatives, data, spillover


def test_negatives_are_of_nobody_and_repeat():
    """Neither remaining nor forgotten items of the user; by seed and backbone alone."""
    context = world()
    influence = linearised(context, 50)
    users, items = influence.request.deployed
    known = set(zip(users.tolist(), items.tolist(), strict=True))
    drawn = zip(
        users.repeat_interleave(50).tolist(), influence.negatives.view(-1).tolist(), strict=True
    )
    assert not known & set(drawn)
    assert torch.equal(influence.negatives, linearised(context, 50).negatives)
    for other in (
        dataclasses.replace(context, seed=2),
        dataclasses.replace(context, backbone="other"),
    ):
        assert not torch.equal(influence.negatives, linearised(other, 50).negatives)


def test_deployed_rows_are_the_remaining_and_then_the_forgotten():
    influence = linearised(world())
    count, table = len(influence.request.remain.train[0]), influence.request.table
    both = influence.remain.gradient(table) + influence.forget.gradient(table)
    assert torch.allclose(both, influence.deployed.gradient(table), atol=1e-12)
    wanted = autograd(
        lambda t: loss(t, IDENTITY, influence.request.forget, influence.negatives[count:]), table
    )
    assert torch.allclose(influence.forget.gradient(table), wanted, atol=1e-12)


@BOTH
def test_spillover_identity(backbone):
    """P7.3: forgotten rows and spillover together are ``∇L(D, G) − ∇L(R, G')``, by autograd through both graphs."""
    influence = linearised(world(backbone))
    request, layers = influence.request, LAYERS[backbone]
    before, after = dense_map(request.deployed, layers), dense_map(request.remain.train, layers)
    count = len(request.remain.train[0])
    wanted = autograd(
        lambda t: loss(t, before, request.deployed, influence.negatives), request.table
    )
    wanted -= autograd(
        lambda t: loss(t, after, request.remain.train, influence.negatives[:count]), request.table
    )
    assert torch.allclose(influence.forget_gradient + influence.spillover(), wanted, atol=1e-12)
    assert influence.spillover().any() == (backbone == "lightgcn")


@BOTH
def test_nothing_spills_over_where_nothing_is_forgotten(backbone):
    influence = linearised(without_forgetting(world(backbone)))
    assert not influence.spillover().any()
    assert influence.imbalance() is None


def test_imbalance_is_the_ratio_of_gradients():
    influence = linearised(world("lightgcn"))
    read_out, table = dense_map(influence.request.deployed, 2), influence.request.table
    count = len(influence.request.remain.train[0])
    whole = autograd(
        lambda t: loss(t, read_out, influence.request.deployed, influence.negatives), table
    )
    part = autograd(
        lambda t: loss(t, read_out, influence.request.forget, influence.negatives[count:]), table
    )
    assert influence.imbalance() == pytest.approx((whole.norm() / part.norm()).item())


def test_model_changes_no_row_without_a_change():
    """P7.6: to the bit, and factors are of the graph of what remains."""
    influence = linearised(world("lightgcn"))
    table = influence.request.table
    table[3, 0] = -0.0
    change = torch.zeros_like(table)
    change[5] = 1.0
    model = influence.model(change)
    changed = torch.cat([model.user_embeddings, model.item_embeddings])
    same = torch.arange(len(table)) != 5
    assert torch.equal(changed[same].view(torch.int64), table[same].view(torch.int64))
    assert torch.equal(changed[5], table[5] + 1)
    wanted = dense_map(influence.request.remain.train, 2) @ changed
    assert torch.allclose(torch.cat([model.user_factors, model.item_factors]), wanted, atol=1e-12)
    change[0, 0] = torch.inf
    with refused(place="step", got=1) as caught:
        influence.model(change)
    assert str(caught.value) == "step: " + NOT_FINITE


def test_an_original_of_other_data_is_refused():
    context = world()
    model = dataclasses.replace(
        context.reader.model, item_embeddings=context.reader.model.item_embeddings[1:]
    )
    reader = dataclasses.replace(context.reader, model=model)
    with refused(place="original", got=[(12, 3), (14, 3)]):
        read_request(dataclasses.replace(context, reader=reader), ratings=False)


def test_a_user_of_everything_is_refused():
    context = world()
    data = context.reader.data
    everything = (torch.zeros(ITEMS, dtype=torch.int64), torch.arange(ITEMS))
    train = tuple(torch.cat(sides) for sides in zip(data.train, everything, strict=True))
    stars = torch.ones(len(train[0]))
    reader = FakeReader(
        dataclasses.replace(data, train=train),
        context.reader.forgotten,
        context.reader.model,
        stars,
    )
    with pytest.raises(CragruError, match=r"^user\s+0\b"):
        linearised(dataclasses.replace(context, reader=reader))


# conjugate gradient


@pytest.fixture
def system():
    """A positive semi-definite matrix of rank 8 in 20 dimensions, and a right-hand side."""
    generator = torch.Generator().manual_seed(8)
    half = torch.randn(20, 8, generator=generator, dtype=DOUBLE)
    return half @ half.T, torch.randn(20, generator=generator, dtype=DOUBLE)


@pytest.mark.parametrize("damping", [0.01, 1.0, 100.0])
def test_conjugate_gradient_solves(system, damping):
    matrix, right = system
    solution = conjugate_gradient(lambda x: matrix @ x, right, damping, 1e-10, 100)
    damped = matrix + damping * torch.eye(20, dtype=DOUBLE)
    assert torch.allclose(solution.step, torch.linalg.solve(damped, right), atol=1e-8)
    assert solution.products == solution.iterations + 1
    assert solution.residual == pytest.approx(
        ((damped @ solution.step - right).norm() / right.norm()).item(), abs=1e-12
    )


def test_conjugate_gradient_keeps_its_promise(system):
    """P7.5: the error falls in the matrix's own norm from step to step, and the told residual is within tolerance."""
    matrix, right = system
    damped = matrix + 0.5 * torch.eye(20, dtype=DOUBLE)
    exact = torch.linalg.solve(damped, right)
    errors = []
    for number, (step, _) in enumerate(iterates(lambda x: matrix @ x, right, 0.5)):
        errors.append(((step - exact) @ damped @ (step - exact)).item())
        if number == 7:
            break
    assert all(later < earlier for earlier, later in itertools.pairwise(errors))
    for tolerance in (1e-2, 1e-4, 1e-8):
        assert (
            conjugate_gradient(lambda x: matrix @ x, right, 0.5, tolerance, 100).residual
            <= tolerance
        )


def test_conjugate_gradient_of_nothing_is_nothing(system):
    solution = conjugate_gradient(
        lambda x: system[0] @ x, torch.zeros(20, dtype=DOUBLE), 1.0, 1e-4, 100
    )
    assert (solution.iterations, solution.products, solution.residual) == (0, 0, 0.0)
    assert not solution.step.any()


def test_a_larger_damping_makes_a_smaller_step(system):
    """P7.7: towards zero as the damping grows, as ``v / λ`` in the end."""
    matrix, right = system
    sizes = [
        conjugate_gradient(lambda x: matrix @ x, right, 10.0**k, 1e-8, 100).step.norm().item()
        for k in range(7)
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == pytest.approx(right.norm().item() / 1e6, rel=1e-3)


def test_negative_curvature_is_refused(system):
    with refused(place="damping 2") as caught:
        conjugate_gradient(lambda x: -3 * x, system[1], 2.0, 1e-4, 100)
    assert caught.value.problems[0].got < 0


def test_what_is_not_finite_is_refused(system):
    matrix, right = system
    with refused(place="damping 1") as caught:
        conjugate_gradient(lambda x: x * torch.nan, right, 1.0, 1e-4, 100)
    assert math.isnan(caught.value.problems[0].got)
    right[2] = torch.nan
    with refused(place="gradient", got=1):
        conjugate_gradient(lambda x: matrix @ x, right, 1.0, 1e-4, 100)


def test_a_solve_that_ran_out_of_iterations_is_refused_or_tells_its_residual(system):
    matrix, right = system
    with refused(place="damping 0.01", what="residual above 0.01 after 2 iterations") as caught:
        conjugate_gradient(lambda x: matrix @ x, right, 0.01, 1e-4, 2)
    assert caught.value.problems[0].got > LOOSEST
    damped = matrix + 10 * torch.eye(20, dtype=DOUBLE)
    attempts = enumerate(iterates(lambda x: matrix @ x, right, 10.0), start=1)
    enough = next(
        count
        for count, (step, _) in attempts
        if (damped @ step - right).norm() < LOOSEST * right.norm()
    )
    rough = conjugate_gradient(lambda x: matrix @ x, right, 10.0, 1e-12, enough)
    assert rough.iterations == enough
    assert 1e-12 < rough.residual <= LOOSEST
