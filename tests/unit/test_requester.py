"""CRAGRU at a request: what a prompt is made of, and what serving it took."""

from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
import torch

from cragru.backbones.base import FactorModel
from cragru.core.clock import Seconds, total
from cragru.llm.base import Answer
from cragru.llm.building import Library, PromptBuilder
from cragru.llm.collecting import request_cost
from cragru.llm.prompts import Template
from cragru.llm.requester import Desk
from cragru.retrieval.selection import top_candidates
from cragru.unlearning.base import Cost

USERS, ITEMS, LENGTH = 3, 12, 4
TEMPLATE = Template("{user_profile_text}\n{history_movies}\n{candidate_list}", "template")


@pytest.fixture
def model():
    draws = torch.Generator().manual_seed(3)
    users, items = torch.randn(USERS, 4, generator=draws), torch.randn(ITEMS, 4, generator=draws)
    return FactorModel(users, items, users, items)


@pytest.fixture
def remaining():
    """User 0 has nothing left; user 1 has items 5, 2, 7 and user 2 items 0, 1."""
    rows = [(3, 1, 5), (4, 1, 2), (6, 1, 7), (8, 2, 0), (9, 2, 1)]
    return pd.DataFrame(rows, columns=["row", "user", "item"]).assign(rating=4.0)


@pytest.fixture
def desk(model, remaining):
    items = pd.DataFrame(
        {"raw_id": [str(n + 1) for n in range(ITEMS)], "title": [f"Film {n}" for n in range(ITEMS)]}
    )
    items = items.assign(year=pd.Series([1990] * ITEMS, dtype="Int32"), genres="")
    users = pd.DataFrame({name: [""] * USERS for name in ("age", "gender", "occupation")})
    builder = PromptBuilder(Library(items, users, (1, 5), False), TEMPLATE, len, lambda ids: 10_000)
    return Desk(
        model,
        remaining,
        ITEMS,
        LENGTH,
        lambda user, history, shown: np.arange(len(history)),
        builder,
        "backbone",
        1,
    )


def test_who_has_nothing_left_gets_a_prompt_without_history_and_any_candidate(desk, model):
    record, _ = desk.serve(0)
    assert record.rows == []
    assert "(none)" in record.prompt
    assert record.candidates == model.score(torch.tensor([0]))[0].topk(LENGTH).indices.tolist()


def test_what_remains_is_shown_and_is_no_candidate(desk):
    record, _ = desk.serve(1)
    assert record.rows == [3, 4, 6]
    assert not {5, 2, 7} & set(record.candidates)
    assert [line for line in record.prompt.splitlines() if line.startswith('- "')] == [
        f'- "Film {item}" (1990)' for item in (5, 2, 7)
    ]


@pytest.mark.parametrize("user", range(USERS))
def test_candidates_are_those_of_the_rule_for_many(desk, model, remaining, user):
    of_all = top_candidates(model, remaining, np.arange(USERS), ITEMS, LENGTH)
    assert desk.serve(user)[0].candidates == of_all.loc[of_all["user"] == user, "item"].tolist()


def test_the_strategy_chooses_what_is_shown(desk):
    asked = []

    def choose(user, history, candidates):
        asked.append((user, history.tolist(), candidates.tolist()))
        return np.array([0, 2])

    record, _ = Desk(
        **{field.name: getattr(desk, field.name) for field in fields(Desk)} | {"choose": choose}
    ).serve(1)
    assert record.rows == [3, 6]
    assert asked == [(1, [5, 2, 7], record.candidates)]


def test_every_stage_is_timed(desk):
    _, seconds = desk.serve(1)
    assert seconds.keys() == {"filter", "candidates", "prompt"}
    assert min(span.wall for span in seconds.values()) > 0
    assert total(seconds.values()).cpu > 0


def test_costs_add_up_over_users():
    walls = [{"filter": 1.0, "prompt": 2.0}, {"filter": 0.5, "prompt": 0.25}]
    cpus = [{"filter": 0.5, "prompt": 1.0}, {"filter": 0.25, "prompt": 0.25}]
    before = {"seconds": walls, "cpu_seconds": cpus}
    answers = [Answer("", "stop", 100, 10), Answer("", "stop", 60, 12)]
    costs = [
        {"seconds": 4.0, "cpu_seconds": 8.0, "start_seconds": 30.0, "device": "cpu"},
        {"seconds": 8.0, "cpu_seconds": 4.0, "start_seconds": 50.0, "device": "cpu"},
    ]
    cost = request_cost(before, answers, costs)
    assert cost["stages"] == {"filter": 1.5, "prompt": 2.25, "generation": 12.0}
    assert (cost["seconds_sequential"], cost["seconds_parallel"]) == (15.75, 8.75)
    assert cost["cpu_stages"] == {"filter": 0.75, "prompt": 1.25, "generation": 12.0}
    assert (cost["cpu_seconds_sequential"], cost["cpu_seconds_parallel"]) == (14.0, 9.5)
    assert (cost["users"], cost["prompt_tokens"], cost["answer_tokens"]) == (2, 160, 22)
    assert (cost["engine_start_seconds"], cost["device"]) == (50.0, "cpu")
    assert (cost["shards_touched"], cost["optimiser_steps"], cost["hessian_products"]) == (0, 0, 0)


def test_costs_have_the_fields_of_a_method():
    """But for those of repeats: answers are measured once. What is unknown is not 0."""
    before = {"seconds": [{"prompt": 1.0}], "cpu_seconds": [{"prompt": 0.5}]}
    answer = {"seconds": 1.0, "start_seconds": 1.0, "device": "server"}
    cost = request_cost(before, [Answer("", "stop", 1, 1)], [answer])
    method = Cost(Seconds(), None, 0, 0, 0, "cpu").as_dict().keys()
    assert method - {"repeats", "spread"} <= cost.keys()
    assert cost["cpu_seconds_sequential"] is cost["cpu_seconds_parallel"] is None
    assert cost["cpu_stages"] == {"prompt": 0.5}
