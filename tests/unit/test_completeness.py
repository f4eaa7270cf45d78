"""What was forgotten: every measure by hand, against plain loops, and by what must hold for any model."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cragru.evaluation import completeness_columns as schema
from cragru.evaluation.completeness import (
    forget_remain_utility,
    js_divergence,
    membership_rows,
    of_users,
    per_user_completeness,
    top_overlap,
)
from cragru.evaluation.membership import membership_aucs
from cragru.evaluation.reranked import RerankedScorer

pytestmark = pytest.mark.usefixtures("hr_and_ndcg")
NAMES = ("train", "valid", "forget", "test", "forget-heldout")
FALLING = [6.0, 5, 4, 3, 2, 1]


class Fixed:
    """Scores that are given."""

    def __init__(self, scores):
        self.scores = torch.as_tensor(scores)

    def score(self, users):
        return self.scores[users].clone()


def parts_of(**rows):
    """Parts by name (`heldout` for `forget-heldout`), each a list of (user, item)."""
    rows = {name.replace("heldout", "forget-heldout"): pairs for name, pairs in rows.items()}
    return {
        name: pd.DataFrame(rows.get(name, []), columns=["user", "item"], dtype="int32")
        for name in NAMES
    }


def world(seed=0, users=12, items=40):
    """A random split, and scores of three models of it."""
    rng = np.random.default_rng(seed)
    roles = rng.choice([*NAMES[:4], "none"], size=(users, items), p=[0.3, 0.1, 0.1, 0.15, 0.35])
    parts = {name: [(u, i) for u, i in np.argwhere(roles == name)] for name in NAMES[:4]}
    return (
        parts_of(**parts),
        [Fixed(rng.normal(size=(users, items)).round(1)) for _ in range(3)],
        users,
        items,
    )


def left(parts, user, items, *hidden):
    seen = {
        item
        for name in hidden
        for owner, item in parts[name].itertuples(index=False)
        if owner == user
    }
    return [item for item in range(items) if item not in seen]


def best_of(model, user, items):
    return sorted(items, key=lambda item: -model.scores[user, item])


def values_of(table, user=0):
    return table[table["user"] == user].set_index("measure")["value"].to_dict()


@pytest.fixture
def parts():
    """User 0: train 0, valid 1, forgets 2 and 5, test 3. User 1 forgets 0 and has no test row. User 2: test 0 alone."""
    return parts_of(
        train=[(0, 0), (2, 5)],
        valid=[(0, 1)],
        forget=[(0, 2), (0, 5), (1, 0)],
        test=[(0, 3), (2, 0)],
    )


def test_membership_rows_by_hand(parts):
    rows = membership_rows(Fixed([FALLING] * 3), [Fixed([FALLING[::-1]] * 3)], parts, 3, 6)
    assert dict(rows.dtypes.astype(str)) == schema.MEMBERSHIP
    assert rows["user"].tolist() == [0, 0, 0]  # the others have rows of one kind only
    assert rows["member"].tolist() == [False, True, True]
    assert rows["percentile"].tolist() == pytest.approx([2 / 3, 1, 0])  # items 2, 3, 4, 5 are left
    assert membership_aucs(rows).to_dict() == {0: 0.5}
    # scores 4, 3, 2, 1 of these, and of the shadow 3, 4, 5, 6: items 3, 2 and 5
    z = 0.5 / 1.25**0.5
    assert rows["calibrated"].tolist() == pytest.approx([2 * z, 6 * z, -6 * z])
    assert rows["fifth"].tolist() == [5, 5, 1]  # items 0 and 5 have the training rows


def test_fifths_go_from_popular_to_rare_items():
    """Ten training rows: item 0 has six, so items 1 to 3 come after 3/5, 4/5 and 5/5 of the rows."""
    counts = {0: 6, 1: 2, 2: 1, 3: 1}
    train = [(user, item) for item, count in counts.items() for user in range(1, count + 1)]
    parts = parts_of(train=train, forget=[(0, 0), (0, 1), (0, 2)], test=[(0, 3), (0, 4)])
    model = Fixed([FALLING] * 7)
    rows = membership_rows(model, [model], parts, 7, 6)
    assert rows["member"].tolist() == [False] * 2 + [True] * 3
    assert rows["fifth"].tolist() == [5, 5, 1, 4, 5]
    assert rows["calibrated"].tolist() == [0] * 5  # its own shadow


def test_users_who_are_forgotten_whole_have_their_held_out_rows():
    parts = parts_of(train=[(1, 0)], test=[(1, 1)], forget=[(0, 0), (0, 1)], heldout=[(0, 5)])
    rows = membership_rows(Fixed([FALLING] * 2), [Fixed([FALLING] * 2)], parts, 2, 6)
    assert rows["percentile"].tolist() == [0, 1, 0.8]
    assert membership_aucs(rows).to_dict() == {0: 1}


def test_nothing_forgotten_gives_no_rows():
    world = Fixed([FALLING] * 2), parts_of(train=[(0, 0)], test=[(0, 1)]), 2, 6
    rows = membership_rows(world[0], [world[0]], *world[1:])
    figure = forget_remain_utility(*world, seed=1)
    for frame, columns in ((rows, schema.MEMBERSHIP), (figure, schema.FORGET_REMAIN)):
        assert frame.empty and dict(frame.dtypes.astype(str)) == columns
    assert membership_aucs(rows).empty
    assert sorted(values_of(per_user_completeness(world[0], world[0], [world[0]], *world[1:]))) == [
        "js",
        "overlap@10",
    ]


def test_auc_of_scorers_that_know_nothing_and_everything():
    parts, _, users, items = world()
    knows = torch.zeros(users, items)
    for name, score in (("forget", 1.0), ("test", -1.0)):
        knows[parts[name]["user"].to_numpy(), parts[name]["item"].to_numpy()] = score
    for scores, auc in ((torch.ones(users, items), 0.5), (knows, 1), (-knows, 0)):
        model = Fixed(scores)
        found = membership_aucs(membership_rows(model, [model], parts, users, items))
        assert len(found) > users / 2
        assert set(found) == {auc}


def test_auc_compares_rows_of_one_user_alone():
    """User 0 ranks all their rows high and has the members, user 1 low and has the others: pooled it would be .67."""
    rows = pd.DataFrame(
        {
            "user": [0, 0, 0, 1, 1, 1],
            "member": [True, True, False, True, False, False],
            "percentile": [0.9, 0.8, 0.85, 0.15, 0.1, 0.2],
        }
    )
    assert membership_aucs(rows).to_dict() == {0: 0.5, 1: 0.5}
    assert auc_by_loop([0.9, 0.8, 0.15], [0.85, 0.1, 0.2]) == pytest.approx(6 / 9)


def auc_by_loop(members, others):
    return np.mean([(a > b) + (a == b) / 2 for a in members for b in others])


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_membership_against_loops(seed):
    parts, (scorer, *shadows), users, items = world(seed)
    rows = membership_rows(scorer, shadows, parts, users, items)
    expected, calibrated = [], []
    for user in range(users):
        own = {
            name: sorted(parts[name].loc[parts[name]["user"] == user, "item"])
            for name in ("test", "forget")
        }
        unseen = left(parts, user, items, "train", "valid")
        scores = scorer.scores[user][unseen]
        for item in (own["test"] + own["forget"]) * bool(own["test"] and own["forget"]):
            mine = scorer.scores[user, item]
            below, tied = (scores < mine).sum().item(), (scores == mine).sum().item() - 1
            expected.append((below + tied / 2) / (len(scores) - 1))
            z = []
            for model in (scorer, *shadows):
                of_user = model.scores[user].numpy()
                z.append((of_user[item] - of_user[unseen].mean()) / of_user[unseen].std())
            calibrated.append(z[0] - (z[1] + z[2]) / 2)
    assert rows["percentile"].tolist() == pytest.approx(expected)
    assert rows["calibrated"].tolist() == pytest.approx(calibrated)
    aucs = membership_aucs(rows)
    assert list(aucs.index) == sorted(set(rows["user"]))
    for user, own in rows.groupby("user"):
        kinds = [own.loc[own["member"] == kind, "percentile"] for kind in (True, False)]
        assert aucs[user] == pytest.approx(auc_by_loop(*kinds))


def test_completeness_by_hand(parts):
    """User 0 has items 2 to 5 left under A: ranks 1 and 4 for the forgotten ones, before 2 and 3; B leaves 3 and 4."""
    before = Fixed([[0.0, 0, 3, 4, 1, 2], FALLING, FALLING])
    reference = Fixed([FALLING[::-1]] * 3)
    table = per_user_completeness(Fixed([FALLING] * 3), before, [reference], parts, 3, 6)
    assert dict(table.dtypes.astype(str)) == schema.COMPLETENESS
    z = np.exp([1, -1]) / np.exp([1, -1]).sum()
    kl = (z * np.log(z / 0.5)).sum()
    ideal = 1 + 1 / math.log2(3)
    assert values_of(table) == pytest.approx(
        {
            "decline-ratio": 0.5,
            "forget-hr@10": 1,
            "forget-ndcg@10": (1 + 1 / math.log2(5)) / ideal,
            "js": kl,
            "overlap@10": 1,
            "rank-change": ((1 - 2) + (4 - 3)) / 2,
        }
    )
    assert sorted(values_of(table, 1)) == [
        "decline-ratio",
        "forget-hr@10",
        "forget-ndcg@10",
        "rank-change",
    ]
    assert sorted(values_of(table, 2)) == ["js", "overlap@10"]
    assert sorted(values_of(table)) == sorted(schema.MEASURES)


@given(st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_completeness_against_loops(seed):
    parts, _, users, items = world(seed)
    rng = np.random.default_rng(seed)
    scorer, original, first, second = (
        Fixed(rng.normal(size=(users, items))) for _ in range(4)
    )  # no ties
    table = per_user_completeness(scorer, original, [first, second], parts, users, items)
    for user in range(users):
        lists = [
            best_of(m, user, left(parts, user, items, "train", "valid")) for m in (scorer, original)
        ]
        forgotten, expected = set(parts["forget"].loc[parts["forget"]["user"] == user, "item"]), {}
        if forgotten:
            gains = [1 / math.log2(place + 2) for place in range(10)]
            hits = [item in forgotten for item in lists[0][:10]]
            changes = [lists[0].index(item) - lists[1].index(item) for item in forgotten]
            expected["forget-hr@10"] = float(any(hits))
            expected["forget-ndcg@10"] = np.dot(hits, gains[: len(hits)]) / sum(
                gains[: len(forgotten)]
            )
            expected["rank-change"] = np.mean(changes)
            expected["decline-ratio"] = np.mean(np.array(changes) > 0)
        if user in set(parts["test"]["user"]):
            rest = left(parts, user, items, "train", "valid", "forget")
            tops = [set(best_of(m, user, rest)[:10]) for m in (scorer, first, second)]
            expected["overlap@10"] = np.mean(
                [len(tops[0] & top) / len(tops[0] | top) for top in tops[1:]]
            )
            z = [
                (s - s.mean()) / s.std()
                for s in (m.scores[user].numpy()[rest] for m in (scorer, first, second))
            ]
            p = [np.exp(s) / np.exp(s).sum() for s in z]
            kl = [(a * np.log(a / ((p[0] + b) / 2))).sum() for b in p[1:] for a in (p[0], b)]
            expected["js"] = np.sum(kl) / 2 / 2
        assert values_of(table, user) == pytest.approx(expected)


def test_a_model_against_itself():
    parts, (one, two, three), users, items = world()
    means = per_user_completeness(one, one, [Fixed(one.scores)], parts, users, items).groupby(
        "measure"
    )["value"]
    assert means.min()["overlap@10"] == 1 and means.max()["js"] == 0
    assert means.max()["rank-change"] == means.max()["decline-ratio"] == 0
    shuffled = {name: part.sample(frac=1, random_state=1) for name, part in parts.items()}
    tables = [
        per_user_completeness(one, two, [three], own, users, items) for own in (parts, shuffled)
    ]
    pd.testing.assert_frame_equal(*tables)


def test_a_masked_item_is_no_hit():
    """Not even where a row is in two parts, and fewer than ten items are left to fill the list."""
    parts, scorer = (
        parts_of(train=[(0, 0)], forget=[(0, 0), (0, 5)], test=[(0, 4)]),
        Fixed([FALLING]),
    )
    hits = values_of(per_user_completeness(scorer, scorer, [scorer], parts, 1, 6))["forget-ndcg@10"]
    assert hits == pytest.approx(1 / math.log2(6) / (1 + 1 / math.log2(3)))


def test_rank_based_measures_see_the_order_alone():
    parts, (one, two, three), users, items = world()
    scale = torch.linspace(0.5, 2, users, dtype=torch.float64)[:, None]
    bent = Fixed(
        (one.scores * scale).exp() - 100 * scale
    )  # strictly monotone, another one for each user
    found = [
        per_user_completeness(m, two, [three], parts, users, items).query("measure != 'js'")
        for m in (one, bent)
    ]
    pd.testing.assert_frame_equal(*found)
    for measure in (
        lambda model, *world: membership_rows(model, [three], *world).drop(columns="calibrated"),
        lambda *world: forget_remain_utility(*world, seed=1),
    ):
        pd.testing.assert_frame_equal(
            *(measure(model, parts, users, items) for model in (one, bent))
        )


@given(st.integers(0, 10_000), st.floats(0.01, 100))
@settings(max_examples=25, deadline=None)
def test_divergence_and_overlap_hold_their_bounds(seed, scale):
    generator = torch.Generator().manual_seed(seed)
    first, second = torch.randn(2, 6, 30, generator=generator, dtype=torch.float64)
    masked = torch.rand(6, 30, generator=generator) < 0.4
    before = first.clone()
    js, overlap = js_divergence(first, second, masked), top_overlap(first, second, masked, 5)
    assert (
        (js > 0).all()
        and (js <= math.log(2)).all()
        and (overlap >= 0).all()
        and (overlap <= 1).all()
    )
    torch.testing.assert_close(js, js_divergence(second, first, masked))
    torch.testing.assert_close(overlap, top_overlap(second, first, masked, 5))
    torch.testing.assert_close(js, js_divergence(first * scale + 3, second, masked))  # z-scores
    noise = torch.where(
        masked, torch.randn(6, 30, generator=generator, dtype=torch.float64) * 100, first
    )
    torch.testing.assert_close(
        js, js_divergence(noise, second, masked)
    )  # masked items are never looked at
    assert (overlap == top_overlap(noise, second, masked, 5)).all() and (first == before).all()


def test_divergence_and_overlap_at_their_ends():
    scores, none = torch.zeros(1, 4000), torch.zeros(1, 4000, dtype=torch.bool)
    assert js_divergence(scores, scores + 0.1, none).item() == pytest.approx(
        0, abs=1e-12
    )  # both uniform
    peaks = [torch.nn.functional.one_hot(torch.tensor([i]), 4000).float() for i in (0, 1)]
    assert js_divergence(*peaks, none).item() == pytest.approx(math.log(2), rel=1e-9)
    assert (
        top_overlap(torch.arange(4.0)[None], torch.arange(4.0).flip(0)[None], none[:, :4], 2).item()
        == 0
    )
    crowd = torch.rand(2, 50, 30, generator=torch.Generator().manual_seed(1))
    hidden = torch.arange(30).expand(50, 30) >= 4
    assert (top_overlap(*crowd, hidden, 10) == 1).all()  # the same four
    few = torch.tensor([[True, False, False, True]])  # two are left for lists of ten
    assert (
        top_overlap(torch.arange(4.0)[None], torch.arange(4.0).flip(0)[None], few, 10).item() == 1
    )
    assert top_overlap(torch.arange(4.0)[None], torch.arange(4.0).flip(0)[None], few, 1).item() == 0


def test_reranked_lists_of_a_cohort(parts):
    """Candidates 3 and 5 of user 0, then the base's order: 3, 5, 2, 4 are left under mask A."""
    base = Fixed([FALLING] * 3)
    lists = pd.DataFrame({"user": [0, 0], "rank": [1, 2], "item": [3, 5]})
    reranked, cohort = RerankedScorer(base, lists), of_users(parts, [0])
    rows = membership_rows(reranked, [base], cohort, 3, 6)
    assert rows["percentile"].tolist() == pytest.approx([1, 1 / 3, 2 / 3])
    assert rows["calibrated"].isna().all()  # an order and no scores
    table = per_user_completeness(reranked, base, [base], cohort, 3, 6)
    assert set(schema.MEASURES) - set(values_of(table)) == set(
        schema.NEED_SCORES
    )  # no score behind its order
    assert values_of(table)["rank-change"] == pytest.approx(((3 - 1) + (2 - 4)) / 2)
    assert table["user"].unique().tolist() == [0]
    assert forget_remain_utility(reranked, cohort, 3, 6, 1).query("group == 'remain'")[
        "hr"
    ].tolist() == [1, 1, 1]
    with pytest.raises(KeyError, match="1"):
        membership_rows(reranked, [base], parts_of(forget=[(1, 0)], test=[(1, 1)]), 3, 6)


def test_figure_3_by_hand():
    """User 0: 2, 3, 4, 5 are left; one row of each kind, for there is one test row. User 1 has no test row."""
    parts = parts_of(train=[(0, 0)], valid=[(0, 1)], forget=[(0, 2), (1, 0)], test=[(0, 4), (2, 0)])
    table = forget_remain_utility(Fixed([FALLING] * 3), parts, 3, 6, seed=1)
    assert dict(table.dtypes.astype(str)) == schema.FORGET_REMAIN
    assert table["user"].tolist() == [0] * 6
    assert table["hr"].tolist() == [1, 1, 1, 0, 1, 1]
    assert table["ndcg"].tolist() == pytest.approx(
        [1, 1, 1, 0, 0.5, 0.5]
    )  # the forgotten item keeps its place


def test_figure_3_asks_every_model_for_equally_many_rows_of_each_kind():
    forget, test = [(0, i) for i in range(8)], [(0, i) for i in range(8, 11)]
    parts = parts_of(forget=[*forget, (1, 0)], test=[*test, *((1, i) for i in range(1, 5))])
    shuffled = {name: part.sample(frac=1, random_state=1) for name, part in parts.items()}

    def asked(parts, seed):
        """Scorers with one item first: a hit tells that its row was drawn."""
        firsts = [Fixed(torch.eye(11)[[item, item]]) for item in range(11)]
        tables = [
            forget_remain_utility(first, parts, 2, 11, seed).query("k == 1") for first in firsts
        ]
        return pd.concat([table.set_index(["user", "group"])["hr"] for table in tables], axis=1)

    once = asked(parts, 7)
    counts = {(0, "forget"): 3, (0, "remain"): 3, (1, "forget"): 1, (1, "remain"): 1}
    assert once.sum(axis=1).to_dict() == counts
    assert once.equals(asked(shuffled, 7)) and not once.equals(asked(parts, 8))


def test_figure_3_has_a_ratio_of_one_for_a_model_that_saw_neither():
    """Equal sizes on one list: forgotten and test rows are exchangeable, although there are three times as many."""
    rng, users, items = np.random.default_rng(8), 600, 60
    liked = np.argsort(rng.random((users, items)), axis=1)[:, :24]
    cuts = {"train": liked[:, :16], "forget": liked[:, 16:18], "test": liked[:, 18:]}
    parts = parts_of(
        **{name: [(u, i) for u in range(users) for i in own[u]] for name, own in cuts.items()}
    )
    scores = rng.random((users, items)) * 1.5
    np.put_along_axis(scores, liked, np.take_along_axis(scores, liked, 1) + 1, 1)
    means = (
        forget_remain_utility(Fixed(scores), parts, users, items, 1)
        .query("k == 5")
        .groupby("group")["ndcg"]
        .mean()
    )
    assert means["forget"] / means["remain"] == pytest.approx(1, abs=0.15)
