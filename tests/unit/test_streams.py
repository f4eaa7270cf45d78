"""Every random stream that a user or a shard has for itself is its own, and another under another seed.

Each case gives what was drawn, so that it can be told from another draw by `==`; users and shards are alike but for
their number. So a stream that forgets its seed, or whose it is, gives the same draw twice.
"""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from cragru.backbones.base import TrainingData
from cragru.backbones.learner import Learner
from cragru.data.split import draw_user, forget_interactions, forget_users, ratio_split
from cragru.evaluation.completeness import forget_remain_utility
from cragru.llm.building import shown_order
from cragru.llm.forms.labels import FORM as LABELS
from cragru.llm.records import PromptRecord
from cragru.llm.reranking import rerank
from cragru.retrieval.random import Random
from cragru.retrieval.selection import select_histories
from cragru.unlearning.options import ShardOptions
from cragru.unlearning.sharding import shard_task

SEEDS, OWNERS = (1, 2), (0, 1)
EACH = 40  # rows of every user
USERS = np.repeat(OWNERS, EACH)
PLACES = np.tile(np.arange(EACH), len(OWNERS))
RATIOS = (0.6, 0.2, 0.2)


def split(seed, user):
    """Which of a user's rows are for testing."""
    _, _, test = ratio_split(USERS, np.arange(len(USERS)), RATIOS, seed)
    return PLACES[test][USERS[test] == user].tolist()


def one_user(seed, number):
    """Who leaves in request 1, or 2."""
    return draw_user(np.arange(1000), number + 1, seed)


def retrieval(seed, user):
    """Which places of a history a strategy that samples keeps."""
    history = pd.DataFrame({"row": np.arange(len(USERS)), "user": USERS, "item": PLACES})
    candidates = pd.DataFrame({"user": OWNERS, "item": EACH})
    chosen, _ = select_histories(Random(), "random", history, candidates, 10, seed)
    return chosen.loc[chosen["user"] == user, "item"].tolist()


def strategies(seed, number):
    """The same of one user, under two strategies."""
    history = pd.DataFrame({"row": np.arange(EACH), "user": 0, "item": np.arange(EACH)})
    chosen, _ = select_histories(Random(), f"strategy-{number}", history, history[:1], 10, seed)
    return chosen["item"].tolist()


class First:
    """Scores that put one item first, for every user."""

    def __init__(self, item, items):
        self.scores = torch.eye(items)[item].expand(len(OWNERS), items)

    def score(self, users):
        return self.scores[users]


def figure_3(seed, user):
    """Which of a user's forgotten rows Figure 3 asks for: half as many test rows are there."""
    rows = pd.DataFrame({"user": USERS, "item": PLACES})
    test = rows[PLACES < EACH // 2].assign(item=lambda own: own["item"] + EACH)
    parts = {"train": rows[:0], "valid": rows[:0], "forget": rows, "test": test}
    asked = []
    for item in range(EACH):
        table = forget_remain_utility(First(item, 2 * EACH), parts, len(OWNERS), 2 * EACH, seed)
        hit = table.query("user == @user and group == 'forget' and k == 1")["hr"].item()
        asked.append(hit)
    assert sum(asked) == EACH // 2
    return asked


def shuffled_prompt(seed, user):
    """The order in which a prompt shows candidates."""
    return shown_order(range(EACH), "shuffled", seed, user)


def labels(seed, user):
    """The first of the two orders in which candidates have letters."""
    return orders_of_labels(seed, user)[0]


def second_labels(seed, user):
    """The second of them."""
    return orders_of_labels(seed, user)[2]


def orders_of_labels(seed, user):
    def build(user, rows, order):
        return PromptRecord(user, "", 0, 0, [], order, [])

    made = LABELS.records(SimpleNamespace(build=build), user, pd.DataFrame(), range(EACH), seed)
    return [record.candidates for record in made]


def ties(seed, user):
    """The order of candidates to which an LLM gave one score."""
    rows = pd.DataFrame({"user": USERS, "item": PLACES, "rank": PLACES + 1})
    lists = rerank(rows.rename(columns={"rank": "shown"}).assign(score=3), rows, seed)
    return lists.query("user == @user and variant == 'random-ties'")["item"].tolist()


def learner(seed, shard):
    """What trains a shard; all shards have the same data here."""
    rows = tuple(torch.from_numpy(column) for column in (USERS, PLACES))
    data = TrainingData(rows, rows, len(OWNERS), 2 * EACH)
    task = shard_task(data, "bpr", shard, ShardOptions(shards=2, learning_rate=0.1), most=64)
    return Learner(task, seed, torch.device("cpu"))


def first_epoch(seed, shard):
    """Users, items and negatives of a shard's first epoch."""
    its = learner(seed, shard)
    drawn = torch.empty(3, len(its.data.train[0]), dtype=torch.int64)
    its.draw(drawn)
    return drawn.tolist()


def epoch_order(seed, shard):
    """The order of a shard's first epoch."""
    users, items, _ = first_epoch(seed, shard)
    return users, items


def epoch_negatives(seed, shard):
    """The negatives of a shard's first epoch."""
    return first_epoch(seed, shard)[2]


def initial_parameters(seed, shard):
    """The numbers that a shard's table starts from."""
    return torch.rand(8, generator=learner(seed, shard).parameters).tolist()


OWN = (
    split,
    one_user,
    retrieval,
    strategies,
    figure_3,
    shuffled_prompt,
    labels,
    second_labels,
    ties,
    epoch_order,
    epoch_negatives,
    initial_parameters,
)


@pytest.mark.parametrize("drawn", OWN)
def test_a_stream_of_its_own_differs_between_owners_and_between_seeds(drawn):
    draws = [drawn(seed, owner) for seed in SEEDS for owner in OWNERS]
    assert draws == [drawn(seed, owner) for seed in SEEDS for owner in OWNERS]
    for place, draw in enumerate(draws):
        assert draw not in draws[:place]


@pytest.mark.parametrize("forget", [forget_interactions, forget_users])
def test_another_seed_forgets_others(forget):
    interactions = pd.DataFrame({"user": np.repeat(np.arange(100), 4)})
    forgotten = [forget(interactions, 0.1, RATIOS, seed)["forget"] // 4 for seed in SEEDS]
    leaving = [set(users.tolist()) for users in forgotten]
    assert leaving[0] != leaving[1]
