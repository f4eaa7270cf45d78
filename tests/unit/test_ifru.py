"""IFRU: exact where influence is exact, close to a refit where it is not, and in the right direction always.

Numbers such as P7.1 are those of the properties that the baselines were specified by.
"""

import dataclasses
import itertools
import math
import statistics

import pytest
import torch
from influence_world import (
    CPU,
    DOUBLE,
    ITEMS,
    LAYERS,
    USERS,
    autograd,
    dense_map,
    interactions,
    linearised,
    loss,
    margins,
    matrix_of,
    renumbered,
    without_forgetting,
    world,
)

from cragru.core.clock import total
from cragru.unlearning import ifru
from cragru.unlearning.conjugate_gradient import LOOSEST, conjugate_gradient
from cragru.unlearning.influence import read_request
from cragru.unlearning.triplets import Triplets
from tests.deletion import refused_option
from tests.refusals import refused

BOTH = pytest.mark.parametrize("backbone", LAYERS)


def tables(model):
    return torch.cat([model.user_embeddings, model.item_embeddings])


def step_of(context, damping=1.0):
    return ifru.prepare(context, ifru.read(context)).solve(damping).change


# P7.1: ridge regression with a squared loss, where one step is the answer


class Ridge:
    """Users' factors with items fixed: ``Σ (x_ui − y)² / 2 + λ/2 ‖P‖²``, in the production code's own terms.

    The score of an item without factors is 0, so with that item as the one negative the margin is the score.
    """

    def __init__(self, damping=0.7):
        generator = torch.Generator().manual_seed(11)
        pairs = interactions(5, 0.5, 6, 60)
        self.damping, self.pairs = (
            damping,
            pairs[:, torch.randperm(pairs.shape[1], generator=generator)],
        )
        self.labels = torch.randn(self.pairs.shape[1], generator=generator, dtype=DOUBLE)
        self.items = torch.cat(
            [torch.randn(60, 4, generator=generator, dtype=DOUBLE), torch.zeros(1, 4, dtype=DOUBLE)]
        )

    def rows(self, which):
        return Triplets(tuple(self.pairs[:, which]), torch.full((len(which), 1), 60), 6, 61, CPU)

    def table(self, users):
        return torch.cat([users, self.items])

    def fit(self, which):
        """Each user's normal equations."""
        users = torch.zeros(6, 4, dtype=DOUBLE)
        for user in range(6):
            own = which[self.pairs[0, which] == user]
            q = self.items[self.pairs[1, own]]
            users[user] = torch.linalg.solve(
                q.T @ q + self.damping * torch.eye(4, dtype=DOUBLE), q.T @ self.labels[own]
            )
        return users

    def step(self, fitted, curvature_rows, forgotten):
        """``(H + λI)⁻¹ Σ_F ∇ℓ`` for the users."""
        table = self.table(fitted)
        gradient = self.rows(forgotten).gradient(
            table, lambda x, rows: x - self.labels[forgotten][rows].unsqueeze(1)
        )
        product = self.rows(curvature_rows).gauss_newton(table, torch.ones_like)

        def of_users(direction):
            return product(direction * keep) * keep

        keep = (torch.arange(len(table)) < 6).unsqueeze(1)
        return conjugate_gradient(of_users, gradient * keep, self.damping, 1e-14, 400).step[:6]


def relative(got, wanted):
    return ((got - wanted).norm() / wanted.norm()).item()


@pytest.mark.parametrize("count", [1, 4, 16])
def test_ridge_step_is_leave_out(count):
    """P7.1: with the curvature of what remains the step is the refit, to 1e-10; in the other direction it is not."""
    ridge = Ridge()
    everything = torch.arange(ridge.pairs.shape[1])
    fitted, moved = ridge.fit(everything), ridge.fit(everything[count:]) - ridge.fit(everything)
    step = ridge.step(fitted, everything[count:], everything[:count])
    assert relative(step, moved) < 1e-10
    assert relative(-step, moved) == pytest.approx(2, abs=1e-9)


def test_ridge_step_with_the_curvature_of_everything_is_first_order():
    """P7.1: with the forgotten rows left in, the error is of the order of their share."""
    ridge = Ridge()
    everything = torch.arange(ridge.pairs.shape[1])
    fitted, errors = ridge.fit(everything), {}
    for count in (1, 4, 16, 64):
        step = ridge.step(fitted, everything, everything[:count])
        errors[count] = relative(step, ridge.fit(everything[count:]) - fitted)
    assert errors[1] < errors[4] < errors[16] < errors[64] < 1
    assert 0.001 < errors[1] < 0.2


# section 12, item 9: a small BPR model at a strict local minimum, against a refit from there


M, N, K, L2 = 20, 15, 3, 0.5


@pytest.fixture(scope="module")
def toy():
    """Rows with fixed negatives among the items that their user has not."""
    pairs = interactions(9, 0.35, M, N)
    known = torch.zeros(M, N, dtype=torch.bool)
    known[pairs[0], pairs[1]] = True
    generator = torch.Generator().manual_seed(10)
    negatives = torch.multinomial((~known[pairs[0]]).double(), K, True, generator=generator)
    return pairs, negatives, torch.randn(M + N, 4, generator=generator, dtype=DOUBLE)


def objective(table, toy, weights, copies):
    x = margins(table, toy[0], toy[1], M)
    return (
        weights.unsqueeze(1) * torch.nn.functional.softplus(-x)
    ).sum() / K + copies * L2 / 2 * table.square().sum()


def fit(start, free, toy, weights, copies):
    """Deterministic L-BFGS over the rows of `free`, from `start`."""
    moving = start.clone().requires_grad_()
    optimiser = torch.optim.LBFGS(
        [moving],
        1,
        3000,
        tolerance_grad=1e-9,
        tolerance_change=0,
        history_size=50,
        line_search_fn="strong_wolfe",
    )

    def closure():
        optimiser.zero_grad()
        value = objective(torch.where(free, moving, start), toy, weights, copies)
        value.backward()
        return value

    optimiser.step(closure)
    assert moving.grad.norm() < 1e-6 * copies
    return torch.where(free, moving.detach(), start)


def optimum_of(toy, copies, free):
    """The optimum on so many copies of all rows."""
    return fit(
        toy[2], free, toy, torch.full((toy[0].shape[1],), float(copies), dtype=DOUBLE), copies
    )


def forget_one(toy, row, copies, free, optimum):
    """How the optimum moves when one copy of one row goes, and how often each row is left."""
    weights = torch.full((toy[0].shape[1],), float(copies), dtype=DOUBLE)
    weights[row] -= 1
    return fit(optimum, free, toy, weights, copies) - optimum, weights


def influence_step(toy, row, optimum, weights, copies, free):
    """Production's gradient, Gauss-Newton products and solver."""
    pairs, negatives, _ = toy
    gradient = Triplets(
        tuple(pairs[:, row : row + 1]), negatives[row : row + 1], M, N, CPU
    ).gradient(optimum)
    counts = weights.long()
    remain = Triplets(
        tuple(pairs.repeat_interleave(counts, 1)), negatives.repeat_interleave(counts, 0), M, N, CPU
    )
    product = remain.gauss_newton(optimum)
    step = conjugate_gradient(
        lambda x: product(x * free) * free, gradient * free, L2 * copies, 1e-10, 500
    ).step
    return step, gradient


def test_step_matches_a_refit_of_the_users(toy):
    """Item 9, where Gauss-Newton is the Hessian (items fixed): within 20 % for one row, closer with more data."""
    users = (torch.arange(M + N) < M).unsqueeze(1)
    errors = {1: [], 4: [], 16: []}
    optima = {copies: optimum_of(toy, copies, users) for copies in errors}
    for copies, row in itertools.product(errors, range(5, 75, 10)):
        optimum = optima[copies]
        moved, weights = forget_one(toy, row, copies, users, optimum)
        step, _ = influence_step(toy, row, optimum, weights, copies, users)
        errors[copies].append(relative(step, moved))
        assert relative(-step, moved) > 1.5
    assert statistics.median(errors[1]) < 0.2
    assert statistics.median(errors[4]) < statistics.median(errors[1]) / 2
    assert statistics.median(errors[16]) < statistics.median(errors[4]) / 2
    assert max(errors[16]) < 0.05


def test_step_with_the_exact_hessian_matches_a_refit_of_everything(toy):
    """Item 9 for users and items together: the gradient is right, and the rest is Gauss-Newton's own approximation.

    A rotation of all factors changes no score, so the Hessian is singular along rotations; they are left out.
    """
    everything, row = torch.ones(M + N, 1, dtype=torch.bool), 3
    errors = []
    for copies in (4, 16):
        optimum = optimum_of(toy, copies, everything)
        moved, weights = forget_one(toy, row, copies, everything, optimum)
        step, gradient = influence_step(toy, row, optimum, weights, copies, everything)

        def remaining(table, weights=weights, copies=copies):
            return objective(table, toy, weights, copies)

        hessian = torch.autograd.functional.hessian(remaining, optimum).view(optimum.numel(), -1)
        values, vectors = torch.linalg.eigh(hessian)
        firm = values.abs() > 0.01 * L2 * copies
        exact = (vectors[:, firm] / values[firm]) @ (vectors[:, firm].T @ gradient.reshape(-1))
        errors.append(relative(exact.view_as(moved), moved))
        assert relative(step, moved) < 0.8 < 1.2 < relative(-step, moved)
        assert torch.cosine_similarity(step.reshape(-1), moved.reshape(-1), dim=0) > 0.6
    assert errors[0] < 0.2
    assert errors[1] < errors[0] / 2


# properties of the method


@BOTH
def test_step_solves_the_damped_system(backbone):
    """The whole method against dense autograd matrices: right signs, graphs, rows and units."""
    context = world(backbone, negatives=5, tolerance=1e-10, iterations=300)
    influence, layers = linearised(context, 5), LAYERS[backbone]
    request, count = influence.request, len(influence.request.remain.train[0])
    before, after = dense_map(request.deployed, layers), dense_map(request.remain.train, layers)
    remaining = (request.remain.train, influence.negatives[:count])
    right = autograd(
        lambda t: loss(t, before, request.deployed, influence.negatives), request.table
    )
    right -= autograd(lambda t: loss(t, after, *remaining), request.table)
    jacobian = torch.autograd.functional.jacobian(
        lambda t: margins(after @ t, *remaining).reshape(-1), request.table
    )
    jacobian = jacobian.view(-1, right.numel())
    s = torch.sigmoid(margins(after @ request.table, *remaining)).reshape(-1, 1)
    damped = jacobian.T @ (s * (1 - s) / 5 * jacobian) + 0.6 * torch.eye(
        right.numel(), dtype=DOUBLE
    )
    wanted = torch.linalg.solve(damped, right.reshape(-1)).view_as(right)
    done = ifru.unlearn(
        dataclasses.replace(context, method_options={**context.method_options, "damping": 0.6})
    )
    assert torch.allclose(tables(done.model) - request.table, wanted, atol=1e-8)
    factors = torch.cat([done.model.user_factors, done.model.item_factors])
    assert torch.allclose(factors, after @ tables(done.model), atol=1e-12)


def test_forget_gradients_add_up():
    """P7.2: with BPR, of two disjoint sets."""
    pairs, generator = interactions(), torch.Generator().manual_seed(12)
    negatives = torch.randint(ITEMS, (pairs.shape[1], 4), generator=generator)
    table = torch.randn(USERS + ITEMS, 3, generator=generator, dtype=DOUBLE)

    def gradient(rows):
        return Triplets(tuple(pairs[:, rows]), negatives[rows], USERS, ITEMS, CPU).gradient(table)

    first, second = torch.arange(0, 7), torch.arange(20, 31)
    assert torch.allclose(
        gradient(torch.cat([first, second])), gradient(first) + gradient(second), atol=1e-12
    )


@BOTH
@pytest.mark.parametrize("damping", [0.3, 1.0, 100.0])
def test_step_goes_up_the_forgotten_rows_loss(backbone, damping):
    """P7.8 for BPR, whose right-hand side is that gradient; and for both, their loss is higher afterwards."""
    context = world(backbone)
    influence, step = linearised(context, 24), step_of(context, damping)
    if backbone == "bpr":
        assert (influence.forget_gradient * step).sum() > 0
    count, table = len(influence.request.remain.train[0]), influence.request.table
    before = dense_map(influence.request.deployed, LAYERS[backbone])
    after = dense_map(influence.request.remain.train, LAYERS[backbone])
    forgotten = (influence.request.forget, influence.negatives[count:])
    assert loss(table + step, after, *forgotten) > loss(table, before, *forgotten)


@BOTH
def test_step_vanishes_with_the_damping(backbone):
    """P7.7: p → 0 as λ → ∞."""
    context = world(backbone)
    sizes = [step_of(context, 10.0**k).norm().item() for k in (0, 2, 4, 8)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < 1e-6


@BOTH
def test_nothing_to_forget_changes_nothing(backbone):
    """P7.7: F = ∅ gives the original's parameters to the bit, without a single product."""
    context = without_forgetting(world(backbone, prune=0.3))
    done = ifru.unlearn(context)
    assert torch.equal(done.model.user_embeddings, context.reader.model.user_embeddings)
    assert torch.equal(done.model.item_embeddings, context.reader.model.item_embeddings)
    factors = linearised(context).factors_before
    assert torch.equal(torch.cat([done.model.user_factors, done.model.item_factors]), factors)
    assert (done.cost.hessian_products, done.facts["iterations"], done.facts["residual"]) == (
        0,
        0,
        0.0,
    )
    assert done.facts["imbalance"] is None


def test_lightgcn_without_layers_is_matrix_factorisation():
    """P7.9."""
    plain = world("bpr")
    graph = dataclasses.replace(world("lightgcn", layers=0), backbone="bpr")
    for got, wanted in zip(
        tables(ifru.unlearn(graph).model), tables(ifru.unlearn(plain).model), strict=True
    ):
        assert torch.equal(got, wanted)


@BOTH
def test_numbers_of_users_and_items_mean_nothing(backbone, monkeypatch):
    """Renumbered users and items, with the same negatives, get the same step."""
    context = world(backbone, prune=0.2)
    other, nodes, same_negatives = renumbered(context, 24)
    plain = step_of(context)
    monkeypatch.setattr(ifru, "linearise", same_negatives)
    assert torch.allclose(step_of(other)[nodes], plain, atol=1e-8)
    assert plain.any()


# pruning


def test_importance_by_hand():
    """Users 0, 1 and items 0, 1, 2; rows 00, 01, 11, 12 and 02 of which 00 is forgotten: degrees 4, 3 | 2, 3, 3."""
    deployed = (torch.tensor([0, 0, 1, 1, 0]), torch.tensor([0, 1, 1, 2, 2]))
    forget = (torch.tensor([0]), torch.tensor([0]))
    none = ifru.importance(deployed, forget, 2, 3, 0)
    assert torch.allclose(none, torch.tensor([1 / 4, 0, 1 / 2, 0, 0], dtype=DOUBLE))
    one = ifru.importance(deployed, forget, 2, 3, 1)
    wanted = torch.tensor(
        [(1 / 4 + 1 / 2) / 4, 0, (1 / 2 + 1 / 4) / 2, 1 / 4 / 3, 1 / 4 / 3], dtype=DOUBLE
    )
    assert torch.allclose(one, wanted)


@pytest.mark.parametrize("hops", [0, 1, 2])
def test_importance_is_the_product_with_the_dense_matrix(hops):
    request = read_request(world(forgotten=2), ratings=False)
    matrix = torch.eye(USERS + ITEMS, dtype=DOUBLE)
    for user, item in zip(*request.deployed, strict=True):
        matrix[user, USERS + item] = matrix[USERS + item, user] = 1
    degree = matrix.sum(1)
    weights = torch.zeros(USERS + ITEMS, dtype=DOUBLE)
    for user, item in zip(*request.forget, strict=True):
        weights[user] += 1
        weights[USERS + item] += 1
    wanted = torch.linalg.matrix_power(matrix / degree.unsqueeze(1), hops) @ (weights / degree)
    got = ifru.importance(request.deployed, request.forget, USERS, ITEMS, hops)
    assert torch.allclose(got, wanted, atol=1e-12)


@BOTH
def test_pruned_rows_stay(backbone):
    """P7.6: to the bit; what is kept solves the kept block alone."""
    context = world(backbone, forgotten=2, prune=0.4, tolerance=1e-10, iterations=300)
    request, before = ifru.read(context), tables(context.reader.model)
    keep = ifru.kept(request, 0.4, 1).squeeze(1)
    assert 0 < keep.sum() < len(keep)
    done = ifru.unlearn(context)
    after = tables(done.model)
    assert torch.equal(after[~keep], before[~keep])
    assert (after[keep] != before[keep]).any(dim=1).all()
    assert done.facts["updated"] == int(keep.sum())
    influence = linearised(context, 24)
    whole = matrix_of(
        influence.curvature(influence.remain, torch.ones(len(before), 1, dtype=torch.bool)), before
    )
    block = keep.unsqueeze(1).expand_as(before).reshape(-1)
    right = (influence.forget_gradient + influence.spillover()).reshape(-1)[block]
    part = whole[block][:, block] + torch.eye(int(block.sum()), dtype=DOUBLE)
    wanted = torch.linalg.solve(part, right)
    assert torch.allclose((after - before).reshape(-1)[block], wanted, atol=1e-8)


def test_more_pruning_keeps_less():
    request = read_request(world(), ratings=False)
    kept = [int(ifru.kept(request, quantile, 1).sum()) for quantile in (0.0, 0.2, 0.4, 0.6, 0.9)]
    assert kept[0] == USERS + ITEMS
    assert kept == sorted(kept, reverse=True)
    assert kept[-1] > 0


def test_pruning_everything_is_refused():
    """Three nodes of equal importance: none is above any quantile."""
    request = read_request(world(forgotten=1), ratings=False)
    one = (torch.tensor([0]), torch.tensor([0]))
    empty = (torch.zeros(0, dtype=torch.int64),) * 2
    request = dataclasses.replace(
        request, remain=dataclasses.replace(request.remain, train=empty), forget=one
    )
    with refused(place="prune", got=0.5):
        ifru.kept(request, 0.5, 0)


# contract


@BOTH
def test_cost_and_facts(backbone):
    done = ifru.unlearn(world(backbone))
    cost, facts = done.cost, done.facts
    assert (cost.shards_touched, cost.optimiser_steps, cost.device) == (0, 0, "cpu")
    assert cost.sequential == cost.parallel == total(cost.stages.values())
    assert set(cost.stages) == {"prepare", "solve"}
    assert cost.hessian_products == facts["iterations"] + 1 > 1
    assert facts["residual"] <= 1e-4
    assert (facts["damping"], facts["updated"]) == (1.0, USERS + ITEMS)
    assert facts["step_norm"] > 0
    assert math.isfinite(facts["imbalance"])
    assert done.curve == []


def test_reads_what_it_must_and_no_more():
    context = world()
    ifru.unlearn(context)
    assert sorted(context.reader.asked) == ["forget", "original", "remain"]


def test_repeats_itself():
    assert torch.equal(
        tables(ifru.unlearn(world("lightgcn")).model), tables(ifru.unlearn(world("lightgcn")).model)
    )


@pytest.mark.parametrize(
    ("name", "value", "bound"),
    [
        ("damping", 0.0, "Input should be greater than 0"),
        ("damping", -3, "Input should be greater than 0"),
        ("damping", float("nan"), "Input should be a finite number"),
        ("damping", float("inf"), "Input should be a finite number"),
        ("damping", "much", "Input should be a valid number"),
        ("negatives", 0, "Input should be greater than or equal to 1"),
        ("tolerance", 0.0, "Input should be greater than 0"),
        ("iterations", 0, "Input should be greater than or equal to 1"),
        ("prune", 1.0, "Input should be less than 1"),
        ("hops", -1, "Input should be greater than or equal to 0"),
    ],
)
def test_wrong_options_are_refused(name, value, bound):
    with refused_option("ifru", name, value, bound):
        ifru.unlearn(world(**{name: value}))


def test_an_unknown_option_is_refused():
    with refused_option("ifru", "dampening", "damping", "allowed:"):
        ifru.unlearn(world(dampening=1.0))


def test_too_few_iterations_are_refused():
    with refused(place="damping 1e-06") as caught:
        ifru.unlearn(world(iterations=1, damping=1e-6))
    assert caught.value.problems[0].got > LOOSEST


def test_an_original_that_is_not_finite_is_refused():
    context = world()
    context.reader.model.user_embeddings[0, 0] = torch.nan
    with refused(place="gradient") as caught:
        ifru.unlearn(context)
    assert caught.value.problems[0].got > 0
