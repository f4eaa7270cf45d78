"""Gradients, propagation and initial tables of BPR and LightGCN."""

import math

import pytest
import torch

from cragru.backbones import bpr, lightgcn
from cragru.backbones.base import FactorModel, TrainingData, TrainingOptions
from cragru.backbones.bpr import bpr_gradient
from cragru.backbones.graph import NormalisedGraph
from cragru.errors import CragruError

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


@pytest.fixture
def batch():
    """Nodes with repetitions, as a real batch has."""
    return torch.tensor([0, 0, 3, 5]), torch.tensor([7, 8, 10, 13]), torch.tensor([12, 12, 15, 7])


def dense_adjacency(positives):
    matrix = torch.zeros(USERS + ITEMS, USERS + ITEMS, dtype=DOUBLE)
    matrix[positives[0], positives[1] + USERS] = 1
    matrix = matrix + matrix.T
    scale = matrix.sum(1).clamp(min=1).rsqrt()
    return scale[:, None] * matrix * scale


def autograd_loss(table, batch, read_out, regularisation):
    """The loss written out for autograd."""
    factors = read_out(table)
    users, positive, negative = (factors[rows] for rows in batch)
    loss = torch.nn.functional.softplus(-(users * (positive - negative)).sum(1)).mean()
    norms = sum(torch.linalg.vector_norm(table[rows]) for rows in batch)
    return loss + regularisation * norms / len(batch[0])


def test_bpr_gradient_is_autograds(table, batch):
    leaf = table.clone().requires_grad_()
    wanted = autograd_loss(leaf, batch, lambda x: x, 0)
    wanted.backward()
    loss, gradient = bpr_gradient(table, *batch)
    assert loss.item() == pytest.approx(wanted.item(), abs=1e-12)
    assert torch.allclose(gradient, leaf.grad, atol=1e-12)


def test_bpr_gradient_by_finite_differences(table, batch):
    _, gradient = bpr_gradient(table, *batch)
    for row, column in ((0, 1), (7, 2), (12, 0), (1, 3)):
        step = torch.zeros_like(table)
        step[row, column] = 1e-6
        slope = (bpr_gradient(table + step, *batch)[0] - bpr_gradient(table - step, *batch)[0]) / 2e-6
        assert gradient[row, column].item() == pytest.approx(slope.item(), abs=1e-8)


@pytest.mark.parametrize("engine", ["dgl", "csr"])
@pytest.mark.parametrize("layers", [0, 1, 2, 3])
def test_read_out_is_the_dense_mean_of_layers(positives, table, engine, layers):
    graph = NormalisedGraph(positives, USERS, ITEMS, CPU, engine, DOUBLE)
    dense = dense_adjacency(positives)
    wanted = sum(torch.linalg.matrix_power(dense, k) @ table for k in range(layers + 1)) / (layers + 1)
    assert torch.allclose(graph.mean_of_layers(table, layers), wanted, atol=1e-12)
    assert torch.allclose(graph.propagate(table), dense @ table, atol=1e-12)


@pytest.mark.parametrize("engine", ["dgl", "csr"])
def test_graph_is_symmetric_and_bounded(positives, engine):
    graph = NormalisedGraph(positives, USERS, ITEMS, CPU, engine, DOUBLE)
    matrix = graph.propagate(torch.eye(USERS + ITEMS, dtype=DOUBLE))
    assert torch.allclose(matrix, matrix.T, atol=1e-12)
    assert torch.linalg.eigvalsh(matrix).abs().max() <= 1 + 1e-12


def test_isolated_nodes_keep_their_share(positives, table):
    graph = NormalisedGraph(positives, USERS, ITEMS, CPU, "dgl", DOUBLE)
    for node in (6, USERS + 8):
        assert torch.allclose(graph.mean_of_layers(table, 2)[node], table[node] / 3)


def test_engines_agree_in_single_precision(positives, table):
    outputs = [
        NormalisedGraph(positives, USERS, ITEMS, CPU, engine).mean_of_layers(table.float(), 3)
        for engine in ("dgl", "csr")
    ]
    assert torch.allclose(*outputs, atol=1e-6)


@pytest.mark.parametrize("layers", [0, 2])
def test_lightgcn_gradient_is_autograds(positives, table, batch, layers):
    options = TrainingOptions(D, 0.01, 4, 1, 1, layers, regularisation=0.3)
    graph = NormalisedGraph(positives, USERS, ITEMS, CPU, "csr", DOUBLE)
    model = lightgcn.LightGCN(graph, TrainingData(positives, positives, USERS, ITEMS), options)
    leaf = table.clone().requires_grad_()
    dense = dense_adjacency(positives)

    def read_out(x):
        return sum(torch.linalg.matrix_power(dense, k) @ x for k in range(layers + 1)) / (layers + 1)

    wanted = autograd_loss(leaf, batch, read_out, 0.3)
    wanted.backward()
    loss, gradient = model.gradient(table, *batch)
    assert loss.item() == pytest.approx(wanted.item(), abs=1e-12)
    assert torch.allclose(gradient, leaf.grad, atol=1e-12)


def test_lightgcn_without_layers_and_penalty_is_bpr(positives, table, batch):
    options = TrainingOptions(D, 0.01, 4, 1, 1, layers=0, regularisation=0.0)
    data = TrainingData(positives, positives, USERS, ITEMS)
    plain = bpr.build(data, options, CPU).gradient(table, *batch)
    for got, wanted in zip(lightgcn.build(data, options, CPU).gradient(table, *batch), plain, strict=True):
        assert torch.equal(got, wanted)


def test_initial_tables_are_xaviers():
    users, items, d = 900, 1700, 64
    data = TrainingData((torch.tensor([0]), torch.tensor([0])), (torch.tensor([0]), torch.tensor([0])), users, items)
    options = TrainingOptions(d, 0.01, 4, 1, 1, layers=2)
    normal = bpr.build(data, options, CPU).initial_table(torch.Generator().manual_seed(1))
    uniform = lightgcn.build(data, options, CPU).initial_table(torch.Generator().manual_seed(1))
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
    with pytest.raises(CragruError, match=r"model\.safetensors: not a readable model"):
        FactorModel.load(path)
