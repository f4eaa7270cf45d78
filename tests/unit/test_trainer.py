"""The training loop: what it learns, when it stops, that it repeats; and Retrain on top of it."""

import dataclasses

import pytest
import torch

from cragru.backbones.base import TrainingData, TrainingOptions
from cragru.backbones.trainer import Trainer, Validator, choose_device
from cragru.backbones.training import train_backbone
from cragru.errors import CragruError
from cragru.unlearning import retrain
from cragru.unlearning.base import Context

MODULES = {"bpr": "cragru.backbones.bpr", "lightgcn": "cragru.backbones.lightgcn"}
OPTIONS = TrainingOptions(8, 0.02, 64, 40, 5, layers=2, regularisation=1e-5)
USERS, ITEMS = 40, 30


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
    model = fit("bpr", data, dataclasses.replace(OPTIONS, epochs=60)).model
    order = model.score(torch.arange(300)).mean(0).argsort(descending=True)
    counts = torch.bincount(data.train[1], minlength=12)
    ranks = torch.stack([counts.argsort(descending=True).argsort(), order.argsort()]).double()
    assert torch.corrcoef(ranks)[0, 1] > 0.95


class Scripted(Trainer):
    """A trainer whose validation values are given."""

    def __init__(self, values, data, options):
        from cragru.backbones import bpr

        super().__init__(bpr.build(data, options, torch.device("cpu")), data, options, (1, "bpr"), torch.device("cpu"))
        self._validator = self
        self._values = iter(values)
        self.tables = []

    def ndcg(self, model):
        self.tables.append(self.table.detach().clone())
        return next(self._values)


@pytest.mark.parametrize(
    ("values", "epochs", "best"),
    [
        ([0.1, 0.2, 0.1, 0.1, 0.1, 0.9], 5, 2),  # stops after patience + 1 = 3 epochs without a gain, as RecBole
        ([0.1, 0.1, 0.0, 0.0, 0.0, 0.9], 5, 2),  # an equal value is a gain, as RecBole
        ([0.1, 0.0, 0.0, 0.3, 0.2, 0.1], 6, 4),  # ends with the last allowed epoch
    ],
)
def test_early_stopping_keeps_the_best_epoch(data, values, epochs, best):
    trainer = Scripted(values, data, dataclasses.replace(OPTIONS, epochs=6, patience=2))
    training = trainer.fit()
    assert (len(training.curve), training.best_epoch) == (epochs, best)
    assert torch.equal(training.model.item_factors, trainer.tables[best - 1][USERS:])
    assert training.steps == epochs * -(-len(data.train[0]) // OPTIONS.batch_size)


def test_validation_value_by_hand():
    """User 0 has its validation item first among unseen ones, user 1 second; user 2 has none and does not count."""
    data = TrainingData((torch.tensor([0]), torch.tensor([0])), (torch.tensor([0, 1]), torch.tensor([1, 2])), 3, 3)

    class Fixed:
        def score(self, users):
            return torch.tensor([[9.0, 2.0, 1.0], [3.0, 1.0, 2.0], [0.0, 0.0, 0.0]])[users]

    value = Validator(data, torch.device("cpu")).ndcg(Fixed())
    assert value.item() == pytest.approx((1 + 1 / torch.tensor(3.0).log2().item()) / 2)


def test_no_validation_rows_is_an_error(data):
    nothing = (torch.empty(0, dtype=torch.int64),) * 2
    with pytest.raises(CragruError, match="no validation row"):
        fit("bpr", dataclasses.replace(data, valid=nothing))


def test_divergence_is_an_error(data):
    class Diverging(Trainer):
        def _run_epoch(self):
            return torch.tensor(float("nan"))

    from cragru.backbones import bpr

    cpu = torch.device("cpu")
    with pytest.raises(CragruError, match=r"bpr diverged: loss is nan in epoch 1; lower learning_rate \(0.02\)"):
        Diverging(bpr.build(data, OPTIONS, cpu), data, OPTIONS, (1, "bpr"), cpu).fit()


def test_devices():
    assert choose_device("cpu") == torch.device("cpu")
    if torch.cuda.is_available():
        assert choose_device("auto").type == "cuda"
    else:
        assert choose_device("auto") == torch.device("cpu")
        with pytest.raises(CragruError, match="torch sees no CUDA device"):
            choose_device("cuda")


def context(name, data):
    return Context(lambda: data, MODULES[name], name, OPTIONS, {}, 1, "cpu")


@pytest.mark.parametrize("name", MODULES)
def test_retrain_with_nothing_forgotten_is_the_original_to_the_bit(name, data):
    """P2.1 of the baselines' specification."""
    done = retrain.unlearn(context(name, data))
    original = fit(name, data)
    for field in ("user_factors", "item_factors", "user_embeddings", "item_embeddings"):
        assert torch.equal(getattr(done.model, field), getattr(original.model, field))
    assert done.cost.optimiser_steps == original.steps
    assert done.cost.shards_touched == 1
    assert done.cost.seconds_sequential == done.cost.seconds_parallel > 0


def test_users_without_a_row_keep_their_initial_embedding(data):
    """P2.3: no gradient reaches a user who has nothing in the remain set."""
    kept = data.train[0] != 5
    remain = dataclasses.replace(data, train=(data.train[0][kept], data.train[1][kept]))
    trained = retrain.unlearn(context("bpr", remain)).model
    from cragru.backbones import bpr
    from cragru.seeds import torch_stream

    initial = bpr.build(remain, OPTIONS, torch.device("cpu")).initial_table(
        torch_stream(1, "train", "bpr", "parameters")
    )
    assert torch.equal(trained.user_factors[5], initial[5])
    assert not torch.equal(trained.user_factors[6], initial[6])
