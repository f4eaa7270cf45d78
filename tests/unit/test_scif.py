"""SCIF: exact for ridge regression with replaced labels, and confined to the users who asked.

Numbers such as P6.3 are those of the properties that the baselines were specified by.
"""

import dataclasses
import math

import pytest
import torch
from influence_world import (
    CPU,
    DOUBLE,
    LAYERS,
    USERS,
    autograd,
    dense_map,
    interactions,
    linearised,
    margins,
    matrix_of,
    renumbered,
    without_forgetting,
    world,
)

from cragru.core.clock import total
from cragru.unlearning import scif
from cragru.unlearning.influence import by_conjugate_gradient, read_request
from cragru.unlearning.triplets import Triplets
from tests.deletion import refused_option
from tests.refusals import refused

BOTH = pytest.mark.parametrize("backbone", LAYERS)


def tables(model):
    return torch.cat([model.user_embeddings, model.item_embeddings])


def step_of(context, damping=1.0):
    return scif.prepare(context, scif.read(context)).solve(damping).change


def requesting(context):
    return torch.unique(context.reader.forgotten[0])


# against refits and dense matrices


def test_ridge_step_is_the_refit_with_replaced_labels():
    """P6.3: a squared loss, items fixed; curvature of all rows, for the replaced ones stay. Exact, not first order.

    The score of an item without factors is 0, so with that item as the one negative the margin is the score.
    """
    generator, damping = torch.Generator().manual_seed(21), 0.7
    pairs = interactions(5, 0.5, 30, 12)
    labels = torch.randn(pairs.shape[1], generator=generator, dtype=DOUBLE)
    items = torch.cat(
        [torch.randn(12, 4, generator=generator, dtype=DOUBLE), torch.zeros(1, 4, dtype=DOUBLE)]
    )
    replaced = labels.clone()
    replaced[:40] = labels[40:].mean()

    def fit(targets):
        users = torch.zeros(30, 4, dtype=DOUBLE)
        for user in range(30):
            own = pairs[0] == user
            q = items[pairs[1, own]]
            users[user] = torch.linalg.solve(
                q.T @ q + damping * torch.eye(4, dtype=DOUBLE), q.T @ targets[own]
            )
        return users

    fitted = fit(labels)
    table = torch.cat([fitted, items])
    everything = Triplets(tuple(pairs), torch.full((pairs.shape[1], 1), 12), 30, 13, CPU)
    users, blocks = scif.curvature_blocks(everything, table, torch.ones_like)
    change = everything.gradient(table, lambda x, rows: (replaced - labels)[rows].unsqueeze(1))[:30]
    step = torch.zeros_like(fitted)
    step[users] = scif.solve_blocks(blocks, change[users], damping)
    assert torch.allclose(fitted + step, fit(replaced), atol=1e-10)
    assert not torch.allclose(fitted - step, fit(replaced), atol=0.1)


@BOTH
def test_step_solves_the_damped_system(backbone):
    """The whole method against autograd: ``∇ℓ_1 − ∇ℓ_t̄`` curvature of all rows, graph of what remains."""
    context = world(backbone, negatives=5, damping=0.6, tolerance=1e-10, iterations=300)
    influence = linearised(context, 5)
    request, count = influence.request, len(influence.request.remain.train[0])
    after = dense_map(request.remain.train, LAYERS[backbone])
    targets = scif.labels(request, scif.Options()).double().unsqueeze(1)
    negatives = influence.negatives

    def replaced(table, t):
        x = margins(after @ table, request.forget, negatives[count:])
        soft = torch.nn.functional.softplus
        return (t * soft(-x) + (1 - t) * soft(x)).sum() / 5

    right = autograd(lambda table: replaced(table, 1.0) - replaced(table, targets), request.table)
    jacobian = torch.autograd.functional.jacobian(
        lambda table: margins(after @ table, request.deployed, negatives).reshape(-1), request.table
    ).view(-1, right.numel())
    s = torch.sigmoid(margins(after @ request.table, request.deployed, negatives)).reshape(-1, 1)
    block = torch.zeros_like(request.table, dtype=torch.bool)
    block[requesting(context)] = True
    block = block.view(-1)
    curvature = (jacobian.T @ (s * (1 - s) / 5 * jacobian))[block][:, block]
    wanted = torch.zeros(right.numel(), dtype=DOUBLE)
    wanted[block] = torch.linalg.solve(
        curvature + 0.6 * torch.eye(len(curvature)), right.view(-1)[block]
    )
    done = scif.unlearn(context)
    assert torch.allclose(tables(done.model) - request.table, wanted.view_as(right), atol=1e-8)
    factors = torch.cat([done.model.user_factors, done.model.item_factors])
    assert torch.allclose(factors, after @ tables(done.model), atol=1e-12)


def test_blocks_are_those_of_the_gauss_newton_matrix():
    influence = linearised(world())
    table = influence.request.table
    users, blocks = scif.curvature_blocks(influence.deployed, table)
    whole = matrix_of(
        influence.curvature(influence.deployed, torch.ones(len(table), 1, dtype=torch.bool)), table
    )
    d = table.shape[1]
    for user, block in zip(users.tolist(), blocks, strict=True):
        assert torch.allclose(
            block, whole[user * d : (user + 1) * d, user * d : (user + 1) * d], atol=1e-12
        )
    off = whole.clone()
    for user in range(USERS):
        off[user * d : (user + 1) * d, user * d : (user + 1) * d] = 0
    assert not off[: USERS * d, : USERS * d].any()


def test_blocks_and_conjugate_gradient_agree():
    """P7.9 for SCIF: the two ways to solve are of one system."""
    context = world(negatives=8, tolerance=1e-12, iterations=300)
    request = scif.read(context)
    prepared = scif.prepare(context, request)
    keep = torch.zeros(len(request.table), 1, dtype=torch.bool)
    keep[requesting(context)] = True
    direction = scif.replacement(prepared.influence, scif.labels(request, scif.Options())) * keep
    options = scif.Options(tolerance=1e-12, iterations=300)
    influence = prepared.influence
    other = by_conjugate_gradient(influence, influence.deployed, direction, keep, options).solve(
        2.0
    )
    assert torch.allclose(prepared.solve(2.0).change, other.change, atol=1e-10)
    plain = scif.unlearn(world("bpr"))
    graph = scif.unlearn(dataclasses.replace(world("lightgcn", layers=0), backbone="bpr"))
    assert torch.equal(tables(graph.model), tables(plain.model))


# properties


@BOTH
def test_only_the_requesting_users_change(backbone):
    """P6.1: all other rows are the same to the bit."""
    context = world(backbone, forgotten=3)
    before = tables(context.reader.model)
    after = tables(scif.unlearn(context).model)
    block = torch.zeros(len(before), dtype=torch.bool)
    block[requesting(context)] = True
    assert torch.equal(after[~block], before[~block])
    assert (after[block] != before[block]).any(dim=1).all()


@BOTH
def test_target_one_changes_nothing(backbone):
    """P6.2."""
    context = world(backbone, target=1.0)
    done = scif.unlearn(context)
    assert torch.equal(tables(done.model), tables(context.reader.model))
    assert (done.cost.hessian_products, done.facts["residual"]) == (0, 0.0)


@BOTH
@pytest.mark.parametrize("options", [{}, {"target": 0.5}])
def test_nothing_to_forget_changes_nothing(backbone, options):
    """P6.4: F = ∅ gives the original's parameters to the bit."""
    context = without_forgetting(world(backbone, **options))
    done = scif.unlearn(context)
    assert torch.equal(tables(done.model), tables(context.reader.model))
    assert torch.equal(
        torch.cat([done.model.user_factors, done.model.item_factors]),
        linearised(context).factors_before,
    )
    assert (done.facts["iterations"], done.facts["residual"], done.facts["updated"]) == (0, 0.0, 0)


def test_right_hand_side_is_of_the_requesting_users():
    """P6.5: among users, the gradient has rows of those in F alone."""
    context = world(forgotten=3)
    influence = linearised(context)
    gradient = scif.replacement(influence, torch.full((3,), 0.5))
    touched = gradient[:USERS].any(dim=1).nonzero().squeeze(1)
    assert torch.equal(touched, requesting(context))


@BOTH
def test_step_lowers_the_forgotten_rows_margins(backbone):
    """The right sign: a label below 1 pulls a row down, the lower the further; the other direction raises it."""
    context = world(backbone, target=0.5)
    influence = linearised(context, 8)
    count, request = len(influence.request.remain.train[0]), influence.request
    after = dense_map(request.remain.train, LAYERS[backbone])

    def margin(table):
        return margins(after @ table, request.forget, influence.negatives[count:]).sum().item()

    step = step_of(context)
    further = step_of(dataclasses.replace(context, method_options={"target": 0.1}))
    assert margin(request.table + further) < margin(request.table + step) < margin(request.table)
    assert margin(request.table - step) > margin(request.table)


@BOTH
def test_step_vanishes_with_the_damping(backbone):
    sizes = [step_of(world(backbone), 10.0**k).norm().item() for k in (0, 2, 4, 8)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < 1e-6


@BOTH
def test_numbers_of_users_and_items_mean_nothing(backbone, monkeypatch):
    """Renumbered users and items, with the same negatives, get the same step."""
    context = world(backbone)
    other, nodes, same_negatives = renumbered(context, 8)
    plain = step_of(context)
    monkeypatch.setattr(scif, "linearise", same_negatives)
    assert torch.allclose(step_of(other)[nodes], plain, atol=1e-6)
    assert plain.any()


# labels


@pytest.fixture
def rated():
    """User 0: labels 1, 0; user 1: 1; user 2 has nothing left. Item 0: 1, 1; item 1: 0; item 2 has nothing left."""
    request = read_request(world(), ratings=True)
    train = (torch.tensor([0, 0, 1]), torch.tensor([0, 1, 0]))
    forget = (torch.tensor([0, 1, 2, 2, 2]), torch.tensor([2, 1, 0, 1, 2]))
    remain = dataclasses.replace(request.remain, train=train)
    return dataclasses.replace(
        request, remain=remain, forget=forget, ratings=torch.tensor([4.0, 3.0, 5.0])
    )


def test_labels_are_the_users_means_then_the_items_then_all(rated):
    wanted = torch.tensor([0.5, 1.0, 1.0, 0.0, 2 / 3])
    assert torch.allclose(scif.labels(rated, scif.Options()), wanted)
    assert torch.equal(
        scif.labels(rated, scif.Options(threshold=4.5))[:2], torch.tensor([0.0, 1.0])
    )
    assert torch.equal(scif.labels(rated, scif.Options(target=0.25)), torch.full((5,), 0.25))


def test_labels_of_nothing_are_refused(rated):
    """No split leaves no row; without any a label is no number, which the solve refuses."""
    empty = (torch.zeros(0, dtype=torch.int64),) * 2
    request = dataclasses.replace(
        rated, remain=dataclasses.replace(rated.remain, train=empty), ratings=torch.zeros(0)
    )
    nothing = scif.labels(request, scif.Options())
    assert nothing.isnan().all()
    influence = linearised(world())
    direction = scif.replacement(influence, nothing[:1].expand(len(influence.request.forget[0])))
    with refused(place="gradient"):
        scif.by_blocks(influence, direction, torch.unique(influence.request.forget[0])).solve(1.0)


@BOTH
def test_a_user_who_goes_altogether_is_served(backbone):
    pairs = world().reader.data.train[0]
    context = world(backbone, forgotten=torch.cat([torch.zeros(9, dtype=torch.bool), pairs == 4]))
    assert 4 not in context.reader.data.train[0]
    done = scif.unlearn(context)
    assert torch.isfinite(tables(done.model)).all()


# contract


@BOTH
def test_cost_and_facts(backbone):
    done = scif.unlearn(world(backbone))
    cost, facts = done.cost, done.facts
    assert (cost.shards_touched, cost.optimiser_steps, cost.device) == (0, 0, "cpu")
    assert cost.sequential == cost.parallel == total(cost.stages.values())
    products = {"bpr": 0, "lightgcn": facts["iterations"] + 1}
    assert cost.hessian_products == products[backbone]
    assert facts["residual"] <= 1e-4
    assert (facts["damping"], facts["updated"]) == (30.0, len(requesting(world(backbone))))
    assert facts["step_norm"] > 0
    assert math.isfinite(facts["imbalance"])


@pytest.mark.parametrize(("options", "more"), [({}, ["ratings"]), ({"target": 0.5}, [])])
def test_reads_what_it_must_and_no_more(options, more):
    context = world(**options)
    scif.unlearn(context)
    assert sorted(context.reader.asked) == sorted(["forget", "original", "remain", *more])


@pytest.mark.parametrize(
    ("name", "value", "bound"),
    [
        ("damping", 0.0, "Input should be greater than 0"),
        ("negatives", 0, "Input should be greater than or equal to 1"),
        ("target", 1.5, "Input should be less than or equal to 1"),
        ("target", -0.5, "Input should be greater than or equal to 0"),
        ("tolerance", 2.0, "Input should be less than 1"),
        ("iterations", 0, "Input should be greater than or equal to 1"),
    ],
)
def test_wrong_options_are_refused(name, value, bound):
    with refused_option("scif", name, value, bound):
        scif.unlearn(world(**{name: value}))


def test_an_unknown_option_is_refused():
    with refused_option("scif", "block", "allowed:", "threshold"):
        scif.unlearn(world(block="users"))


def test_broken_blocks_are_refused():
    blocks, right = torch.eye(2, dtype=DOUBLE).expand(3, 2, 2), torch.ones(3, 2, dtype=DOUBLE)
    with refused(place="damping 1", got=3):
        scif.solve_blocks(-2 * blocks, right, 1.0)
    right[0, 1] = torch.inf
    with refused(place="gradient", got=1):
        scif.solve_blocks(blocks, right, 1.0)


@BOTH
def test_an_original_that_is_not_finite_is_refused(backbone):
    context = world(backbone)
    context.reader.model.item_embeddings[:, 0] = torch.inf
    with refused(place="gradient"):
        scif.unlearn(context)
