"""Gradients, propagation and initial tables of BPR and LightGCN."""

import math
from dataclasses import replace

import pytest
import torch
from refusals import refused
from safetensors.torch import save_file

from cragru.backbones import bpr, lightgcn
from cragru.backbones.base import Batch, FactorModel, TrainingData
from cragru.backbones.bpr import bpr_gradient
from cragru.backbones.graph import NormalisedGraph

USERS, ITEMS, D = 7, 9, 4
CPU = torch.device("cpu")
DOUBLE = torch.float64


@pytest.fixture
def positives():
    """Every user has an item; user 6 and item 8 are isolated."""
    return torch.tensor([0, 0, 1, 2, 3, 3, 4, 5]), torch.tensor([0, 1, 1, 2, 3, 4, 5, 6])


@pytest.fixture
def table():
    return torch.randn(USERS + ITEMS, D, generator=torch.Generator().manual_seed(1), dtype=DOUBLE)


def a_batch(users, positives, negatives, models=None):
    models = torch.zeros_like(users) if models is None else models
    weights = torch.bincount(models)[models].to(DOUBLE).reciprocal()
    return Batch(users, positives, negatives, weights, models)


@pytest.fixture
def batch():
    """Nodes with repetitions, as a real batch has."""
    return a_batch(
        torch.tensor([0, 0, 3, 5]), torch.tensor([7, 8, 10, 13]), torch.tensor([12, 12, 15, 7])
    )


def a_graph(positives, engine, dtype=DOUBLE):
    return NormalisedGraph(positives[0], positives[1] + USERS, USERS + ITEMS, CPU, engine, dtype)


def dense_adjacency(positives):
    matrix = torch.zeros(USERS + ITEMS, USERS + ITEMS, dtype=DOUBLE)
    matrix[positives[0], positives[1] + USERS] = 1
    matrix = matrix + matrix.T
    scale = matrix.sum(1).clamp(min=1).rsqrt()
    return scale[:, None] * matrix * scale


def autograd_loss(table, batch, read_out, regularisation):
    """The loss written out for autograd."""
    factors = read_out(table)
    triplets = (batch.users, batch.positives, batch.negatives)
    users, positive, negative = (factors[rows] for rows in triplets)
    loss = torch.nn.functional.softplus(-(users * (positive - negative)).sum(1)).mean()
    norms = sum(torch.linalg.vector_norm(table[rows]) for rows in triplets)
    return loss + regularisation * norms / len(batch.users)


@pytest.fixture(params=["on a CPU", "on a GPU"])
def kernels(request, monkeypatch):
    """The gradients are computed as on such a device."""
    if request.param == "on a GPU":
        monkeypatch.setattr(bpr, "_add_in_one_pass", bpr._add_as_tensors)
        monkeypatch.setattr(lightgcn, "_add_in_one_pass", lightgcn._add_by_counts)


@pytest.mark.usefixtures("kernels")
def test_bpr_gradient_is_autograds(table, batch):
    leaf = table.clone().requires_grad_()
    wanted = autograd_loss(leaf, batch, lambda x: x, 0)
    wanted.backward()
    loss, gradient = bpr_gradient(table, batch)
    assert loss.item() == pytest.approx(wanted.item(), abs=1e-12)
    assert torch.allclose(gradient, leaf.grad, atol=1e-12)


@pytest.mark.usefixtures("kernels")
def test_bpr_gradient_by_finite_differences(table, batch):
    _, gradient = bpr_gradient(table, batch)
    for row, column in ((0, 1), (7, 2), (12, 0), (1, 3)):
        step = torch.zeros_like(table)
        step[row, column] = 1e-6
        slope = (bpr_gradient(table + step, batch)[0] - bpr_gradient(table - step, batch)[0]) / 2e-6
        assert gradient[row, column].item() == pytest.approx(slope.item(), abs=1e-8)


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_wide_margins_and_no_numbers(batch, dtype):
    """-log σ(±800) is 0 or 800, without an exponential that overflows; what is no number is seen in the loss."""
    lone = a_batch(batch.users[:1], batch.positives[:1], batch.negatives[:1])
    lone = replace(lone, weights=lone.weights.to(dtype))
    for height, wanted, slope in ((20.0, 0.0, 0.0), (-20.0, 800.0, -20.0)):
        wide = torch.zeros(USERS + ITEMS, D, dtype=dtype)
        wide[lone.users, 0], wide[lone.positives, 0], wide[lone.negatives, 0] = 20, height, -height
        loss, gradient = bpr_gradient(wide, lone)
        assert loss.item() == pytest.approx(wanted)
        assert gradient[lone.positives, 0].item() == pytest.approx(slope)
    wide[lone.users] = torch.nan
    assert bpr_gradient(wide, lone)[0].isnan().all()


@pytest.mark.parametrize("engine", ["dgl", "csr"])
@pytest.mark.parametrize("layers", [0, 1, 2, 3])
def test_read_out_is_the_dense_mean_of_layers(positives, table, engine, layers):
    graph = a_graph(positives, engine)
    dense = dense_adjacency(positives)
    wanted = sum(torch.linalg.matrix_power(dense, k) @ table for k in range(layers + 1)) / (
        layers + 1
    )
    assert torch.allclose(graph.mean_of_layers(table, layers), wanted, atol=1e-12)
    assert torch.allclose(graph.propagate(table), dense @ table, atol=1e-12)


@pytest.mark.parametrize("engine", ["dgl", "csr"])
def test_graph_is_symmetric_and_bounded(positives, engine):
    graph = a_graph(positives, engine)
    matrix = graph.propagate(torch.eye(USERS + ITEMS, dtype=DOUBLE))
    assert torch.allclose(matrix, matrix.T, atol=1e-12)
    assert torch.linalg.eigvalsh(matrix).abs().max() <= 1 + 1e-12


def test_isolated_nodes_keep_their_share(positives, table):
    graph = a_graph(positives, "dgl")
    for node in (6, USERS + 8):
        assert torch.allclose(graph.mean_of_layers(table, 2)[node], table[node] / 3)


def test_engines_agree_in_single_precision(positives, table):
    outputs = [
        a_graph(positives, engine, torch.float32).mean_of_layers(table.float(), 3)
        for engine in ("dgl", "csr")
    ]
    assert torch.allclose(*outputs, atol=1e-6)


def some_options(layers, regularisation, dimensions=D):
    training = {
        "dimensions": dimensions,
        "learning_rate": 0.01,
        "batch_size": 4,
        "epochs": 1,
        "patience": 1,
    }
    return lightgcn.Options(**training, layers=layers, regularisation=regularisation)


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("layers", [0, 2])
def test_lightgcn_gradient_is_autograds(positives, table, batch, layers):
    options = some_options(layers, 0.3)
    graph = a_graph(positives, "csr")
    model = lightgcn.LightGCN(graph, [TrainingData(positives, positives, USERS, ITEMS)], options)
    leaf = table.clone().requires_grad_()
    dense = dense_adjacency(positives)

    def read_out(x):
        return sum(torch.linalg.matrix_power(dense, k) @ x for k in range(layers + 1)) / (
            layers + 1
        )

    wanted = autograd_loss(leaf, batch, read_out, 0.3)
    wanted.backward()
    loss, gradient = model.gradient(table, batch)
    assert loss.item() == pytest.approx(wanted.item(), abs=1e-12)
    assert torch.allclose(gradient, leaf.grad, atol=1e-12)


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("module", [bpr, lightgcn])
def test_models_side_by_side_are_those_models_alone(positives, table, batch, module):
    """Losses, gradients, factors and penalties of three models in one table, with batches of different sizes."""
    options = some_options(2, 0.3).in_double()
    kept = [slice(None), slice(0, 5), slice(2, None)]
    data = [TrainingData((positives[0][k], positives[1][k]), positives, USERS, ITEMS) for k in kept]
    tables = [table, table.flip(0), 2 * table]
    sizes = [4, 2, 0]  # the third rests in this step
    triplets = (batch.users, batch.positives, batch.negatives)
    columns = [
        torch.cat([rows[:size] + model * len(table) for model, size in enumerate(sizes)])
        for rows in triplets
    ]
    models = torch.repeat_interleave(torch.tensor(sizes))
    together = module.build(data, options, CPU)
    losses, gradient = together.gradient(torch.cat(tables), a_batch(*columns, models))
    assert torch.isfinite(losses).all()
    for model, (own, its, size) in enumerate(zip(data, tables, sizes, strict=True)):
        alone = module.build([own], options, CPU)
        assert torch.equal(together.factors(torch.cat(tables)).chunk(3)[model], alone.factors(its))
        if size:
            loss, wanted = alone.gradient(its, a_batch(*(rows[:size] for rows in triplets)))
            assert losses[model].item() == pytest.approx(loss.item(), abs=1e-12)
            assert torch.allclose(gradient.chunk(3)[model], wanted, atol=1e-12)


def test_lightgcn_without_layers_and_penalty_is_bpr(positives, table, batch):
    options = some_options(0, 0.0).in_double()
    data = [TrainingData(positives, positives, USERS, ITEMS)]
    plain = bpr.build(data, options, CPU).gradient(table, batch)
    for got, wanted in zip(
        lightgcn.build(data, options, CPU).gradient(table, batch), plain, strict=True
    ):
        assert torch.equal(got, wanted)


def test_initial_tables_are_xaviers():
    users, items, d = 900, 1700, 64
    data = TrainingData(
        (torch.tensor([0]), torch.tensor([0])), (torch.tensor([0]), torch.tensor([0])), users, items
    )
    options = some_options(2, 0.0, dimensions=d)
    normal = bpr.build([data], options, CPU).initial_table(users, torch.Generator().manual_seed(1))
    uniform = lightgcn.build([data], options, CPU).initial_table(
        users, torch.Generator().manual_seed(1)
    )
    for rows, side in ((users, slice(0, users)), (items, slice(users, None))):
        assert normal[side].std().item() == pytest.approx(math.sqrt(2 / (rows + d)), rel=0.02)
        bound = math.sqrt(6 / (rows + d))
        assert uniform[side].abs().max().item() == pytest.approx(bound, rel=0.001)
        assert uniform[side].std().item() == pytest.approx(bound / math.sqrt(3), rel=0.02)


def test_model_round_trip(tmp_path, table):
    shared = FactorModel(table[:USERS], table[USERS:], table[:USERS], table[USERS:])
    shared.save(tmp_path / "model.safetensors")
    read = FactorModel.load(tmp_path / "model.safetensors")
    users = torch.tensor([3, 0])
    assert torch.equal(read.score(users), table[users] @ table[USERS:].T)
    assert torch.equal(read.item_embeddings, table[USERS:])


def test_a_broken_model_file_is_named(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"not a model")
    with refused(place=path):
        FactorModel.load(path)
    save_file({"user_factors": torch.ones(1, 2)}, path)
    with refused(place=path):
        FactorModel.load(path)
