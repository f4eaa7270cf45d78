"""The training loop: what it learns, when it stops, that it repeats; and Retrain on top of it."""

import dataclasses
import importlib
from types import SimpleNamespace

import pytest
import torch
from refusals import refused

from cragru.backbones import bpr, lightgcn, trainer
from cragru.backbones.base import FIELDS, TrainingData
from cragru.backbones.learner import Task, Validator, rows_with_data
from cragru.backbones.trainer import Trainer, choose_device
from cragru.backbones.training import train_backbone, train_models, train_side_by_side
from cragru.core.seeds import torch_stream
from cragru.unlearning import retrain
from cragru.unlearning.base import Context

MODULES = {"bpr": "cragru.backbones.bpr", "lightgcn": "cragru.backbones.lightgcn"}
TRAINING = {"dimensions": 8, "learning_rate": 0.02, "batch_size": 64, "epochs": 40, "patience": 5}
OPTIONS = lightgcn.Options(**TRAINING, layers=2, regularisation=1e-5)
USERS, ITEMS = 40, 30
CPU = torch.device("cpu")


@pytest.fixture
def data():
    """Two tastes: even users like even items, odd users odd ones; a fifth of what each likes is for validation."""
    generator = torch.Generator().manual_seed(4)
    users, items = torch.meshgrid(torch.arange(USERS), torch.arange(ITEMS), indexing="ij")
    liked = (users % 2 == items % 2) & (torch.rand(USERS, ITEMS, generator=generator) < 0.7)
    pairs = liked.nonzero()
    valid = torch.arange(len(pairs)) % 5 == 0
    return TrainingData(tuple(pairs[~valid].T), tuple(pairs[valid].T), USERS, ITEMS)


def fit(name, data, options=OPTIONS, seed=1):
    return train_backbone(MODULES[name], name, data, options, seed, "cpu")[0]


@pytest.mark.parametrize("name", MODULES)
def test_learns_the_two_tastes(name, data):
    training = fit(name, data)
    assert training.curve[-1].loss < 0.5 * training.curve[0].loss
    scores = training.model.score(torch.arange(USERS))
    same_taste = (torch.arange(USERS)[:, None] % 2) == (torch.arange(ITEMS) % 2)
    assert scores[same_taste].mean() > scores[~same_taste].mean() + 1


def trained_together(name, tasks, options):
    """As one table, whatever the device."""
    build = importlib.import_module(MODULES[name]).build
    return Trainer(build, tasks, options, 1, CPU).fit()


@pytest.mark.parametrize("name", MODULES)
def test_a_table_without_absent_users_changes_nothing(name, data, monkeypatch):
    """Three shards of users, two of them small: as if each had carried the rows of all users through every step."""
    options = OPTIONS.in_double()
    bounds = [(0, 12), (12, 20), (20, USERS)]

    def part(pairs, first, end):
        inside = (pairs[0] >= first) & (pairs[0] < end)
        return pairs[0][inside], pairs[1][inside]

    shards = [
        dataclasses.replace(data, train=part(data.train, *b), valid=part(data.valid, *b))
        for b in bounds
    ]
    rows = rows_with_data(shards)
    assert [len(its) for its in rows] == [20, 20, 20]  # of the largest; the others are filled up
    assert all(set(range(*b)) <= set(its.tolist()) for b, its in zip(bounds, rows, strict=True))
    tasks = [Task(shard, f"shard-{number}", 64) for number, shard in enumerate(shards)]
    narrow = trained_together(name, tasks, options)
    monkeypatch.setattr(trainer, "rows_with_data", lambda tasks: [torch.arange(USERS)] * len(tasks))
    for mine, whole in zip(narrow, trained_together(name, tasks, options), strict=True):
        assert [epoch.valid_ndcg for epoch in mine.curve] == [
            epoch.valid_ndcg for epoch in whole.curve
        ]
        for field in FIELDS:
            assert torch.allclose(
                getattr(mine.model, field), getattr(whole.model, field), rtol=0, atol=1e-12
            )


@pytest.mark.parametrize("name", MODULES)
def test_a_seed_repeats_to_the_bit_and_another_differs(name, data):
    one, again, other = (fit(name, data, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one.model.item_factors, again.model.item_factors)
    assert [epoch.loss for epoch in one.curve] == [epoch.loss for epoch in again.curve]
    assert not torch.equal(one.model.item_factors, other.model.item_factors)


def test_popularity_only_data_give_the_popularity_ranking():
    """With one latent dimension's worth of structure, the mean score of an item follows how often it occurs."""
    generator = torch.Generator().manual_seed(3)
    share = torch.linspace(0.95, 0.05, 12)
    pairs = (torch.rand(300, 12, generator=generator) < share).nonzero()
    held = torch.arange(len(pairs)) % 10 == 0
    data = TrainingData(tuple(pairs[~held].T), tuple(pairs[held].T), 300, 12)
    model = fit("bpr", data, OPTIONS.model_copy(update={"epochs": 60})).model
    order = model.score(torch.arange(300)).mean(0).argsort(descending=True)
    counts = torch.bincount(data.train[1], minlength=12)
    ranks = torch.stack([counts.argsort(descending=True).argsort(), order.argsort()]).double()
    assert torch.corrcoef(ranks)[0, 1] > 0.95


class Scripted(Trainer):
    """A trainer whose validation values are given."""

    def __init__(self, values, data, options):
        super().__init__(bpr.build, [Task(data, "bpr", options.batch_size)], options, 1, CPU)
        self.learners[0].validator = self
        self._values = iter(values)
        self.tables = []

    def ndcg(self, model):
        self.tables.append(self.table.detach().clone())
        return torch.tensor(next(self._values), dtype=torch.float64)


@pytest.mark.parametrize(
    ("values", "epochs", "best"),
    [
        (
            [0.1, 0.2, 0.1, 0.1, 0.1, 0.9],
            5,
            2,
        ),  # stops after patience + 1 = 3 epochs without a gain, as RecBole
        ([0.1, 0.1, 0.0, 0.0, 0.0, 0.9], 5, 2),  # an equal value is a gain, as RecBole
        ([0.1, 0.0, 0.0, 0.3, 0.2, 0.1], 6, 4),  # ends with the last allowed epoch
    ],
)
def test_early_stopping_keeps_the_best_epoch(data, values, epochs, best):
    scripted = Scripted(values, data, OPTIONS.model_copy(update={"epochs": 6, "patience": 2}))
    (training,) = scripted.fit()
    assert (len(training.curve), training.best_epoch) == (epochs, best)
    assert torch.equal(training.model.item_factors, scripted.tables[best - 1][USERS:])
    assert training.steps == epochs * -(-len(data.train[0]) // OPTIONS.batch_size)


def test_validation_value_by_hand():
    """User 0 has its validation item first among unseen ones, user 1 second; user 2 has none and does not count."""
    data = TrainingData(
        (torch.tensor([0]), torch.tensor([0])), (torch.tensor([0, 1]), torch.tensor([1, 2])), 3, 3
    )

    class Fixed:
        def score(self, users):
            return torch.tensor([[9.0, 2.0, 1.0], [3.0, 1.0, 2.0], [0.0, 0.0, 0.0]])[users]

    value = Validator(data, CPU).ndcg(Fixed())
    assert value.item() == pytest.approx((1 + 1 / torch.tensor(3.0).log2().item()) / 2)


def test_no_validation_rows_is_an_error(data):
    nothing = (torch.empty(0, dtype=torch.int64),) * 2
    with refused(place="bpr", what="no validation row to stop early by"):
        fit("bpr", dataclasses.replace(data, valid=nothing))
    with refused(place="bpr", what="no training row to learn from"):
        fit("bpr", dataclasses.replace(data, train=nothing))


def test_divergence_is_an_error(data):
    class Diverging(Trainer):
        def _train_epoch(self):
            return torch.tensor([0.5, float("nan")])

    tasks = [Task(data, "bpr", 64), Task(data, "bpr-shard-1", 64)]
    with refused(place="bpr-shard-1") as caught:
        Diverging(bpr.build, tasks, OPTIONS, 1, CPU).fit()
    assert str(caught.value) == (
        "bpr-shard-1: the loss is no number in epoch 1, got nan; lower learning_rate (0.02) in config/params.yaml"
    )


def shards_of(data):
    """Three models' data: of different sizes, so with different numbers of steps, and users of their own."""
    users = data.train[0]
    return [
        dataclasses.replace(data, train=(users[own], data.train[1][own]))
        for own in (users < 25, users % 3 == 0, users >= 33)
    ]


@pytest.mark.parametrize("name", MODULES)
def test_models_trained_together_are_those_trained_alone(name, data):
    """Section 11: streams, steps, Adam's moments and early stops of one model touch no other, to the end.

    Up to rounding: where a sum or an exponential is cut into vectors of the processor depends on its length.
    """
    options = OPTIONS.model_copy(update={"patience": 3}).in_double()
    tasks = [
        Task(own, f"{name}-{k}", batch)
        for k, (own, batch) in enumerate(zip(shards_of(data), (64, 20, 16), strict=True))
    ]
    together = trained_together(name, tasks, options)
    assert len({len(training.curve) for training in together}) > 1  # one stops before the others
    for task, training in zip(tasks, together, strict=True):
        (alone,) = trained_together(name, [task], options)
        assert (training.best_epoch, training.steps) == (alone.best_epoch, alone.steps)
        assert [epoch.loss for epoch in training.curve] == pytest.approx(
            [epoch.loss for epoch in alone.curve]
        )
        for field in ("user_factors", "item_factors", "user_embeddings", "item_embeddings"):
            assert torch.allclose(
                getattr(training.model, field), getattr(alone.model, field), atol=1e-9
            )


def test_the_order_of_models_trained_together_changes_none(data):
    tasks = [Task(own, f"bpr-{k}", 32) for k, own in enumerate(shards_of(data))]
    options = OPTIONS.in_double()
    forward, backward = (trained_together("bpr", order, options) for order in (tasks, tasks[::-1]))
    for one, other in zip(forward, backward[::-1], strict=True):
        assert torch.allclose(one.model.user_factors, other.model.user_factors, atol=1e-9)


def test_one_by_one_on_a_cpu(data, monkeypatch):
    """There each is to the bit what it is alone."""
    sizes, start = [], Trainer.__init__

    def note(self, build, tasks, *how):
        sizes.append(len(tasks))
        start(self, build, tasks, *how)

    monkeypatch.setattr(Trainer, "__init__", note)
    tasks = [Task(own, f"bpr-{k}", 32) for k, own in enumerate(shards_of(data))]
    trained = train_models(MODULES["bpr"], tasks, OPTIONS, 1, CPU)
    assert sizes == [1] * len(tasks)
    for task, training in zip(tasks, trained, strict=True):
        (alone,) = trained_together("bpr", [task], OPTIONS)
        assert torch.equal(training.model.user_factors, alone.model.user_factors)
    assert train_side_by_side(torch.device("cuda"))


def test_devices():
    assert choose_device("cpu") == torch.device("cpu")
    if torch.cuda.is_available():
        assert choose_device("auto").type == "cuda"
    else:
        assert choose_device("auto") == torch.device("cpu")
        with refused(place="device", got="cuda", allowed=["auto", "cpu"]):
            choose_device("cuda")


def context(name, data):
    return Context(SimpleNamespace(remain=lambda: data), MODULES[name], name, OPTIONS, {}, 1, "cpu")


@pytest.mark.parametrize("name", MODULES)
def test_retrain_with_nothing_forgotten_is_the_original_to_the_bit(name, data):
    """P2.1 of the baselines' specification."""
    done = retrain.unlearn(context(name, data))
    original = fit(name, data)
    for field in ("user_factors", "item_factors", "user_embeddings", "item_embeddings"):
        assert torch.equal(getattr(done.model, field), getattr(original.model, field))
    assert done.cost.optimiser_steps == original.steps
    assert done.cost.shards_touched == 1
    assert done.cost.sequential == done.cost.parallel
    assert min(done.cost.sequential.wall, done.cost.sequential.cpu) > 0


def test_users_without_a_row_keep_their_initial_embedding(data):
    """P2.3: no gradient reaches a user who has nothing in the remain set."""
    kept = data.train[0] != 5
    remain = dataclasses.replace(data, train=(data.train[0][kept], data.train[1][kept]))
    trained = retrain.unlearn(context("bpr", remain)).model
    initial = bpr.build([remain], OPTIONS, CPU).initial_table(
        remain.users, torch_stream(1, "train", "bpr", "parameters")
    )
    assert torch.equal(trained.user_factors[5], initial[5])
    assert not torch.equal(trained.user_factors[6], initial[6])
