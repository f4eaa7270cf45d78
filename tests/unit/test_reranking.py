"""From scores to lists, with ties three ways, and from lists to a scorer that the evaluator ranks with."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cragru.backbones.base import FactorModel
from cragru.core.errors import CragruError
from cragru.evaluation.reranked import RerankedScorer
from cragru.evaluation.utility import per_user_utility
from cragru.llm.reranking import RERANKED, SCORES, VARIANTS, rerank, tie_rate
from cragru.retrieval.selection import top_candidates
from tests.refusals import refused


def said(*cells):
    """What the LLM said: user, items as shown, scores."""
    frames = [
        pd.DataFrame(
            {"user": user, "shown": range(1, len(items) + 1), "item": items, "score": scores}
        )
        for user, items, scores in cells
    ]
    return pd.concat(frames, ignore_index=True).astype(SCORES)


def ranked(lists):
    """The backbone's candidates: user -> items, best first."""
    frames = [
        pd.DataFrame({"user": user, "rank": range(1, len(items) + 1), "item": items})
        for user, items in lists.items()
    ]
    return pd.concat(frames, ignore_index=True).astype("int32")


def orders(table, variant):
    """User -> items in the order of a variant."""
    own = table[table["variant"] == variant]
    assert (own.groupby("user").cumcount() + 1).tolist() == own["rank"].tolist()
    return own.groupby("user", sort=False)["item"].agg(list).to_dict()


@st.composite
def cohorts(draw):
    """Scores of a few users, whose candidates were shown in any order, and the backbone's order of these."""
    cells, own = [], {}
    for user in draw(st.lists(st.integers(0, 99), min_size=1, max_size=4, unique=True)):
        items = draw(st.lists(st.integers(0, 999), min_size=1, max_size=12, unique=True))
        scores = draw(
            st.lists(st.integers(1, 100) | st.just(50), min_size=len(items), max_size=len(items))
        )
        cells.append((user, draw(st.permutations(items)), scores))
        own[user] = items
    return said(*cells), ranked(own)


# --- lists


def test_by_hand():
    """Ties keep the order shown, not the backbone's; nobody asked keeps the backbone's."""
    scores = said((3, [13, 10, 12, 11], [50, 70, 50, 70]), (1, [20, 21], [1, 100]))
    table = rerank(scores, ranked({1: [20, 21], 2: [5], 3: [10, 11, 12, 13]}), seed=1)
    assert orders(table, "llm") == {3: [10, 11, 13, 12], 1: [21, 20]}
    assert orders(table, "no-llm") == {3: [10, 11, 12, 13], 1: [20, 21]}
    random = orders(table, "random-ties")
    assert random[1] == [21, 20]
    assert [sorted(random[3][:2]), sorted(random[3][2:])] == [[10, 11], [12, 13]]
    assert {name: str(dtype) for name, dtype in table.dtypes.items()} == RERANKED
    assert table["variant"].drop_duplicates().tolist() == list(VARIANTS)


def test_many_ties_keep_the_order_shown():
    """More candidates than any sort handles by insertion, which would keep their order without being told to."""
    items = np.random.default_rng(1).permutation(500)[:100].tolist()
    scores = [100 if place % 3 else 20 for place in range(100)]
    table = rerank(said((0, items, scores)), ranked({0: sorted(items)}), 1)
    high, low = (
        [item for item, score in zip(items, scores, strict=True) if score == value]
        for value in (100, 20)
    )
    assert orders(table, "llm") == {0: high + low}


@settings(deadline=None, max_examples=40)
@given(cohorts(), st.integers(0, 5))
def test_every_variant_ranks_the_candidates_and_the_llms_by_score(cohort, seed):
    scores, candidates = cohort
    table = rerank(scores, candidates, seed)
    given_scores = scores.set_index(["user", "item"])["score"].to_dict()
    shown = scores.set_index(["user", "item"])["shown"].to_dict()
    for variant in VARIANTS:
        for user, items in orders(table, variant).items():
            own = candidates.loc[candidates["user"] == user, "item"].tolist()
            assert sorted(items) == sorted(own)
            values = [given_scores[user, item] for item in items]
            if variant == "no-llm":
                assert items == own
            else:
                assert values == sorted(values, reverse=True)
            if variant == "llm":
                assert items == sorted(
                    items, key=lambda item: (-given_scores[user, item], shown[user, item])
                )
    pd.testing.assert_frame_equal(table, rerank(scores, candidates, seed))


@settings(deadline=None, max_examples=20)
@given(cohorts(), st.randoms())
def test_the_order_of_rows_in_the_files_does_not_matter(cohort, random):
    scores, candidates = cohort
    told = rerank(scores, candidates, 1)
    mixed = [
        frame.sample(frac=1, random_state=random.randrange(2**32)) for frame in (scores, candidates)
    ]
    again = rerank(*mixed, 1)
    for variant in VARIANTS:
        assert orders(again, variant) == orders(told, variant)


def test_ties_are_broken_anew_for_each_user_and_seed():
    items = list(range(20))
    scores = said(*((user, items, [7] * 20) for user in range(10)))
    candidates = ranked(dict.fromkeys(range(10), items))
    drawn = [orders(rerank(scores, candidates, seed), "random-ties") for seed in (1, 2)]
    assert len({tuple(order) for lists in drawn for order in lists.values()}) == 20
    assert items not in [*drawn[0].values(), *drawn[1].values()]
    assert drawn[0] == orders(rerank(scores, candidates, 1), "random-ties")


def test_a_users_ties_do_not_depend_on_who_else_is_there():
    items = list(range(20))
    one, two = ((user, items, [7] * 20) for user in (1, 2))
    candidates = ranked({1: items, 2: items})
    alone, together = (
        orders(rerank(said(*cells), candidates, 1), "random-ties") for cells in ((two,), (one, two))
    )
    assert alone[2] == together[2]


def test_random_ties_favour_no_place():
    """What was shown first comes first no more often than the rest: 100 of 400 times, give or take 5 deviations."""
    scores = said(*((user, [0, 1, 2, 3, 4], [80, 80, 80, 80, 9]) for user in range(400)))
    lists = orders(
        rerank(scores, ranked({user: range(5) for user in range(400)}), 1), "random-ties"
    )
    assert all(items[-1] == 4 for items in lists.values())
    first = [items[0] for items in lists.values()]
    assert all(55 < first.count(item) < 145 for item in range(4))


def test_users_stay_in_the_order_of_the_scores():
    users = np.random.default_rng(1).permutation(200)[:50].tolist()
    items = list(range(20))
    scores = said(*((user, items, [7] * 20) for user in users))
    table = rerank(scores, ranked(dict.fromkeys(users, items)), 1)
    assert table["user"].drop_duplicates().tolist() == users


@pytest.mark.parametrize(
    ("candidates", "count"),
    [({4: [1, 2, 9]}, 3), ({4: [1, 2]}, 2), ({4: [1, 2, 3, 5]}, 4), ({5: [1, 2, 3]}, 0)],
)
def test_items_that_are_not_the_candidates(candidates, count):
    with refused(place="user 4", got=[3, 1, 2]) as caught:
        rerank(said((4, [3, 1, 2], [5, 6, 7])), ranked(candidates), 1)
    assert f" {count} " in caught.value.problems[0].what


def test_the_whole_line_of_items_that_are_not_the_candidates():
    with pytest.raises(CragruError) as caught:
        rerank(said((4, [3, 1, 2], [5, 6, 7])), ranked({4: [1, 2]}), 1)
    assert str(caught.value) == "user 4: not the 2 candidates, got [3, 1, 2]"


def test_an_item_that_was_scored_twice():
    with refused(place="user 4", got=[1, 1, 2]):
        rerank(said((4, [1, 1, 2], [5, 6, 7])), ranked({4: [1, 2]}), 1)


@pytest.mark.parametrize(
    ("scores", "rate"),
    [
        ([[5, 5, 5, 7]], 0.5),  # 2 distinct of 4
        ([[1, 2, 3]], 0),
        ([[9] * 20], 0.95),
        ([[9]], 0),
        ([[5, 5, 5, 7], [1, 2]], 0.25),  # the mean over users, not over candidates
        ([[5, 5], [5, 5], [1, 5]], 1 / 3),
    ],
)
def test_tie_rate_by_hand(scores, rate):
    cells = [(user, range(len(values)), values) for user, values in enumerate(scores)]
    assert tie_rate(said(*cells)) == pytest.approx(rate)


# --- the scorer


class Fixed:
    """Scores that are given."""

    def __init__(self, scores):
        self.scores = torch.tensor(scores, dtype=torch.float32)

    def score(self, users):
        return self.scores[users].clone()


def best_first(scores):
    return scores.argsort(descending=True, stable=True).tolist()


def test_scorer_by_hand():
    base = Fixed([[0.5, 0.1, 0.4, 0.3, 0.2], [1.0, 2, 3, 4, 5], [-5.0, -4, -3, -2, -1]])
    scorer = RerankedScorer(base, ranked({2: [0, 1], 0: [4, 3]}))
    scores = scorer.score(torch.tensor([2, 0]))
    assert scores.shape == (2, 5)
    assert [best_first(row) for row in scores] == [[0, 1, 4, 3, 2], [4, 3, 0, 2, 1]]


SCALES = [(1, 0), (0.001, 100), (0.001, -100), (50, -300), (1e-6, 0)]


@settings(deadline=None)
@given(
    st.permutations(range(15)),
    st.lists(st.integers(0, 14), unique=True, min_size=1, max_size=15),
    st.sampled_from(SCALES),
)
def test_candidates_are_on_top_and_the_rest_as_it_was(places, items, scale):
    base = Fixed([[scale[0] * place + scale[1] for place in places]])
    scores = RerankedScorer(base, ranked({0: items})).score(torch.tensor([0]))[0]
    assert best_first(scores) == items + [
        item for item in best_first(base.scores[0]) if item not in items
    ]
    assert len(scores.unique()) == 15


def test_lists_are_read_by_rank():
    lists = ranked({0: [2, 0, 1]}).iloc[[2, 0, 1]]
    assert best_first(
        RerankedScorer(Fixed([[1.0, 2, 3, 4]]), lists).score(torch.tensor([0]))[0]
    ) == [2, 0, 1, 3]


@pytest.mark.parametrize("users", [[5], [0, 5], [5, 0]])
def test_a_user_without_a_list_is_an_error(users):
    scorer = RerankedScorer(Fixed([[1.0, 2]] * 6), ranked({0: [1]}))
    with pytest.raises(KeyError, match="5"):
        scorer.score(torch.tensor(users))


# --- both, evaluated

USERS, ITEMS, COUNT = 40, 60, 10


@pytest.fixture(scope="module")
def model():
    generator = torch.Generator().manual_seed(1)
    users, items = (torch.randn(rows, 8, generator=generator) for rows in (USERS, ITEMS))
    return FactorModel(users, items, users, items)


@pytest.fixture(scope="module")
def parts():
    """A random split of random interactions; some candidates are forgotten items."""
    pairs = (torch.rand(USERS, ITEMS, generator=torch.Generator().manual_seed(2)) < 0.4).nonzero()
    drawn = torch.randperm(len(pairs), generator=torch.Generator().manual_seed(3))
    frame = pd.DataFrame(pairs[drawn].numpy(), columns=["user", "item"]).astype("int32")
    bounds = [0, *(int(share * len(frame)) for share in (0.5, 0.6, 0.8)), len(frame)]
    names = ("train", "valid", "test", "forget")
    return {name: frame.iloc[bounds[n] : bounds[n + 1]] for n, name in enumerate(names)}


@pytest.fixture(scope="module")
def cohort():
    return np.random.default_rng(4).permutation(USERS)[:15]


@pytest.fixture(scope="module")
def lists(model, parts, cohort):
    """All variants for the cohort, after an LLM that has no idea."""
    candidates = top_candidates(
        model, pd.concat([parts["train"], parts["valid"]]), cohort, ITEMS, COUNT
    )
    rng = np.random.default_rng(5)
    shown = {
        user: rng.permutation(rows["item"].to_numpy()) for user, rows in candidates.groupby("user")
    }
    scores = said(*((user, shown[user], rng.integers(1, 5, COUNT)) for user in cohort.tolist()))
    return rerank(scores, candidates, 1)


def evaluated(scorer, parts, cohort):
    own = {**parts, "test": parts["test"][parts["test"]["user"].isin(cohort)]}
    return per_user_utility(scorer, own, USERS, ITEMS)


def test_without_the_llm_everything_is_the_backbones(model, parts, cohort, lists):
    """Ranks, metrics under both masks, all cut-offs: those within the candidates and those beyond."""
    scorer = RerankedScorer(model, lists[lists["variant"] == "no-llm"])
    pd.testing.assert_frame_equal(evaluated(scorer, parts, cohort), evaluated(model, parts, cohort))
    seen = pd.concat([parts["train"], parts["valid"]])
    pd.testing.assert_frame_equal(
        top_candidates(scorer, seen, cohort, ITEMS, ITEMS).drop(columns="score"),
        top_candidates(model, seen, cohort, ITEMS, ITEMS).drop(columns="score"),
    )


@pytest.mark.parametrize("variant", ["llm", "random-ties"])
def test_an_llm_without_an_idea_moves_only_what_is_within_the_candidates(
    model, parts, cohort, lists, variant
):
    scorer = RerankedScorer(model, lists[lists["variant"] == variant])
    seen = pd.concat([parts["train"], parts["valid"]])
    got, base = (
        top_candidates(one, seen, cohort, ITEMS, ITEMS).groupby("user") for one in (scorer, model)
    )
    wanted = orders(lists, variant)
    for user in cohort.tolist():
        ours, theirs = (lists_of.get_group(user)["item"].tolist() for lists_of in (got, base))
        assert ours[:COUNT] == wanted[user]
        assert ours[COUNT:] == theirs[COUNT:]
    at_10 = [
        evaluated(one, parts, cohort).query("k == 10 and mask == 'A'") for one in (scorer, model)
    ]
    assert at_10[0]["hr"].tolist() == at_10[1]["hr"].tolist()
    assert at_10[0]["ndcg"].tolist() != at_10[1]["ndcg"].tolist()


def test_calls_leave_the_backbone_as_it_was(model, parts, cohort, lists):
    before = model.score(torch.arange(USERS))
    scorer = RerankedScorer(model, lists[lists["variant"] == "llm"])
    first = evaluated(scorer, parts, cohort)
    pd.testing.assert_frame_equal(first, evaluated(scorer, parts, cohort))
    assert torch.equal(before, model.score(torch.arange(USERS)))


def test_a_batch_is_its_users_one_by_one(model, cohort, lists):
    scorer = RerankedScorer(model, lists[lists["variant"] == "llm"])
    users = torch.from_numpy(cohort)
    batch = scorer.score(users)
    for row, user in zip(batch, users, strict=True):
        assert best_first(row) == best_first(scorer.score(user[None])[0])
