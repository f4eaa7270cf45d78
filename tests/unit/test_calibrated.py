"""Calibrated scores and what they give away: by hand, by brute force, and on data of known truth."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from masks import set_of

from cragru.evaluation.bootstrap import counts_of
from cragru.evaluation.calibration import calibrated_scores, z_scores
from cragru.evaluation.completeness import membership_rows
from cragru.evaluation.membership import Calibrated

UP, DOWN, LEVEL = [1.0, 2, 3], [3.0, 2, 1], [2.0, 2, 2]
Z = 1.5**0.5  # of the ends of 1, 2, 3


class Fixed:
    """Scores that are given."""

    def __init__(self, scores):
        self.scores = torch.as_tensor(scores, dtype=torch.float64)

    def score(self, users):
        return self.scores[users].clone()


# --- scores


def test_z_scores_are_of_unmasked_items():
    masked = torch.tensor([[False, False, False, True]] * 2)
    found = z_scores(torch.tensor([[*UP, 99.0], [*LEVEL, 7.0]]), masked)
    assert found[:, :3].flatten().tolist() == pytest.approx([-Z, 0, Z, 0, 0, 0])


@pytest.mark.parametrize(
    ("shadows", "expected"),
    [
        ([UP], [0, 0, 0]),  # a model that is its own shadow
        ([[10.0, 20, 30]], [0, 0, 0]),  # z-scores know neither unit nor origin
        ([DOWN], [-2 * Z, 0, 2 * Z]),
        ([UP, DOWN], [-Z, 0, Z]),  # the shadows' mean is 0
        ([UP, UP, DOWN], [-Z + Z / 3, 0, Z - Z / 3]),
    ],
)
def test_a_score_is_less_the_mean_of_the_shadows(shadows, expected):
    rows = torch.zeros(3, dtype=torch.int64), torch.arange(3)
    none = set_of(torch.zeros(1, 3, dtype=torch.bool))
    found = calibrated_scores(Fixed([UP]), [Fixed([own]) for own in shadows], rows, none)
    assert found.tolist() == pytest.approx(expected)


def test_rows_keep_their_order_and_users_their_masks(monkeypatch):
    """User 1 sees items 0 to 2, user 0 items 1 to 3; rows stand in any order, and users in many batches."""
    masked = set_of(torch.tensor([[True, False, False, False], [False, False, False, True]]))
    model = Fixed([[9.0, *UP], [*UP, 9.0]])
    rows = torch.tensor([1, 0, 1, 0]), torch.tensor([2, 1, 0, 3])
    shadow = Fixed([[5.0, *LEVEL], [*LEVEL, 5.0]])
    whole = calibrated_scores(model, [shadow], rows, masked)
    assert whole.tolist() == pytest.approx([Z, -Z, -Z, Z])
    alone = "cragru.evaluation.calibration.user_batches"
    monkeypatch.setattr(alone, lambda users: [one[None] for one in users])
    assert torch.equal(calibrated_scores(model, [shadow], rows, masked), whole)


# --- what they give away


def drawn_rows(seed, users=7, rows=40):
    """Rows of users with ties; user 0 has rows of both kinds."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "user": rng.integers(0, users, rows),
            "member": rng.random(rows) < 0.4,
            "calibrated": rng.normal(size=rows).round(1),
        }
    )
    frame.loc[:1, "user"] = 0
    frame.loc[:1, "member"] = [True, False]
    return frame


def repeated(rows, users, weights):
    """Scores of members and of others, each user's as often as the weight says."""
    times = rows["user"].map(dict(zip(users, weights, strict=True)))
    whole = rows.loc[rows.index.repeat(times)]
    return [whole.loc[whole["member"] == kind, "calibrated"].to_numpy() for kind in (True, False)]


def auc_by_loop(members, others):
    return np.mean([(a > b) + (a == b) / 2 for a in members for b in others])


def found_by_loop(share, members, others):
    """The lowest threshold that few enough of the others exceed, of all that there are."""
    allowed = [one for one in (-np.inf, *others) if np.mean(others > one) <= share + 1e-9]
    return np.mean(members > min(allowed))


@given(st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_weights_are_repeated_users(seed):
    """Everything by brute force: users in another order than their ids, some drawn often and some not at all."""
    rows, rng = drawn_rows(seed), np.random.default_rng(seed)
    users = rng.permutation(7).tolist()
    weights = rng.integers(0, 4, (3, 7))
    weights[:, users.index(0)] += 1
    found = Calibrated(rows, users)
    for place, own in enumerate(weights):
        members, others = repeated(rows, users, own)
        sizes = np.abs(members), np.abs(others)
        assert found.auc(weights)[place] == pytest.approx(auc_by_loop(members, others))
        assert found.two_sided_auc(weights)[place] == pytest.approx(auc_by_loop(*sizes))
        assert found.shift(weights)[place] == pytest.approx(sizes[0].mean() - sizes[1].mean())
        for share in (0, 0.01, 0.1, 0.5, 1):
            expected = found_by_loop(share, members, others)
            assert found.found_at(share, weights)[place] == pytest.approx(expected), share


def rows_of(members, others):
    """Rows of one user."""
    scores = [*members, *others]
    is_member = [True] * len(members) + [False] * len(others)
    return Calibrated(pd.DataFrame({"user": 5, "member": is_member, "calibrated": scores}), [5])


ONCE = np.ones((1, 1), dtype=np.int64)


@pytest.mark.parametrize(
    ("members", "others", "auc", "two_sided"),
    [
        ([2, 3], [0, 1], 1, 1),
        ([0, 1], [2, 3], 0, 0),
        ([1, 1], [1, 1], 0.5, 0.5),  # ties count half
        ([1, 3], [1, 2], (0.5 + 0 + 1 + 1) / 4, (0.5 + 0 + 1 + 1) / 4),
        ([-2, 2], [-1, 1], 0.5, 1),  # half of the rows were pushed too far
    ],
)
def test_aucs_by_hand(members, others, auc, two_sided):
    rows = rows_of(members, others)
    assert (rows.auc(ONCE).tolist(), rows.two_sided_auc(ONCE).tolist()) == ([auc], [two_sided])


def test_found_by_hand():
    """Four held-out rows: one may exceed at 1/4, which leaves the threshold at 2; none at less, and then it is 3."""
    rows = rows_of([4, 2.5, 2, 0], [3, 2, 1, 0])
    shares = {0: 1 / 4, 0.2: 1 / 4, 0.25: 2 / 4, 0.5: 3 / 4, 0.75: 3 / 4, 1: 1}
    for share, expected in shares.items():
        assert rows.found_at(share, ONCE).tolist() == [expected], share


def test_the_shift_is_of_sizes():
    assert rows_of([-3, 1], [0.5, -0.5]).shift(ONCE).tolist() == [1.5]


def test_draws_without_a_kind_of_row_have_no_value():
    """User 0 alone has members: a resample without them is missing, and no warning."""
    rows = pd.DataFrame(
        {"user": [0, 0, 1], "member": [True, False, False], "calibrated": [1.0, 0.0, 2.0]}
    )
    weights = counts_of(np.array([[0, 1], [1, 1]]))
    assert weights.tolist() == [[1, 1], [0, 2]]
    found = Calibrated(rows, [0, 1])
    for values in (
        found.auc(weights),
        found.two_sided_auc(weights),
        found.found_at(0.5, weights),
        found.shift(weights),
    ):
        assert np.isnan(values).tolist() == [False, True]


# --- data of known truth


def split(rng, users, items):
    """Each user has training rows, forgotten rows and test rows."""
    roles = np.argsort(rng.random((users, items)), axis=1)
    cuts = {"train": (0, 10), "valid": (10, 11), "forget": (11, 15), "test": (15, 19)}
    parts = {
        name: pd.DataFrame(
            [(user, item) for user in range(users) for item in roles[user, first:last]],
            columns=["user", "item"],
            dtype="int32",
        )
        for name, (first, last) in cuts.items()
    }
    return parts | {"forget-heldout": parts["test"].iloc[:0]}


def test_retrains_are_chance_and_an_original_is_not():
    """Models share what items are like, which hides what an original adds to forgotten rows from the raw scores."""
    rng, users, items = np.random.default_rng(4), 80, 60
    parts, liked = split(rng, users, items), rng.normal(0, 2, (users, items))
    retrains = [liked + rng.normal(0, 0.4, (users, items)) for _ in range(5)]
    forget = parts["forget"]["user"].to_numpy(), parts["forget"]["item"].to_numpy()
    original, torn = (liked + rng.normal(0, 0.4, (users, items)) for _ in range(2))
    original[forget] += 0.5
    torn[forget] += np.where(np.arange(len(forget[0])) % 2, 1.2, -1.2)  # half of them too far down

    def known(scores, shadows):
        rows = membership_rows(Fixed(scores), list(map(Fixed, shadows)), parts, users, items)
        found, everyone = Calibrated(rows, range(users)), np.ones((1, users), dtype=np.int64)
        return [float(of(everyone)[0]) for of in (found.auc, found.two_sided_auc, found.shift)]

    for number, scores in enumerate(retrains):
        others = retrains[:number] + retrains[number + 1 :]
        auc, two_sided, shift = known(scores, others)
        assert (auc, two_sided) == pytest.approx((0.5, 0.5), abs=0.06)
        assert shift == pytest.approx(0, abs=0.03)
    auc, two_sided, shift = known(original, retrains)
    assert auc > 0.75
    assert two_sided > 0.6
    assert shift > 0.05
    auc, two_sided, shift = known(torn, retrains)
    assert auc == pytest.approx(0.5, abs=0.08)  # they cancel
    assert two_sided > 0.8
    assert shift > 0.2
