"""Each strategy's own rule, by hand or by brute force."""

import itertools

import numpy as np
import pandas as pd
import pytest
import torch
from masks import set_of
from pydantic import ValidationError
from refusals import refused

from cragru.backbones.base import FactorModel, TrainingData
from cragru.backbones.options import TrainingOptions
from cragru.retrieval import attention, diversity
from cragru.retrieval.attention import (
    Attention,
    Histories,
    HistoryAttention,
    Options,
    train_attention,
)
from cragru.retrieval.base import FitContext
from cragru.retrieval.categories import genre_vectors, item_categories
from cragru.retrieval.diversity import Diversity, even_ratios, knapsack, monotone
from cragru.retrieval.folding import RATIOS, FoldIn, _thinned, thinned_hits
from cragru.retrieval.none import Whole
from cragru.retrieval.preference import Preference, quotas
from cragru.retrieval.selection import select_histories, top_candidates

NOBODY = np.empty(0, dtype=np.int64)


def test_no_strategy_keeps_the_most_recent():
    assert Whole().select(np.arange(10), NOBODY, 3, np.random.default_rng(1)).tolist() == [7, 8, 9]


@pytest.mark.parametrize(
    ("counts", "limit", "wanted"),
    [
        (
            [6, 3, 1],
            5,
            [3, 2, 0],
        ),  # shares 3, 1.5, .5: floors 3, 1, 0; of the equal remainders the first category's
        ([6, 3, 1], 10, [6, 3, 1]),
        ([1, 1, 1], 2, [1, 1, 0]),
        ([10, 0, 10], 3, [2, 0, 1]),
    ],
)
def test_quotas_by_hand(counts, limit, wanted):
    assert quotas(np.array(counts), limit).tolist() == wanted


def test_quotas_never_exceed_what_there_is():
    rng = np.random.default_rng(1)
    for _ in range(200):
        counts, limit = rng.integers(0, 20, 6), int(rng.integers(1, 60))
        kept = quotas(counts, limit)
        assert np.all(kept <= counts)
        assert kept.sum() == min(limit, counts.sum())


def test_preference_keeps_the_shares():
    categories = np.array([0] * 8 + [1] * 4)
    history = np.arange(12)
    kept = Preference(categories).select(history, NOBODY, 6, np.random.default_rng(1))
    assert np.bincount(categories[history[kept]]).tolist() == [4, 2]


@pytest.mark.parametrize("total", [0, 3, 7, 14, 23, 30])
def test_knapsack_equals_brute_force(total):
    matrix = np.random.default_rng(total).random((3, 11))
    choices = [choice for choice in itertools.product(range(11), repeat=3) if sum(choice) == total]
    best = max(matrix[range(3), choice].sum() for choice in choices)
    tenths, value = knapsack(matrix, total)
    assert tenths.sum() == total
    assert value == pytest.approx(best)
    assert matrix[range(3), tenths].sum() == pytest.approx(best)


def test_knapsack_refuses_more_than_everything():
    """The options do, so that every category takes ten tenths at most."""
    with pytest.raises(ValidationError, match="retention"):
        diversity.Options(categories=3, ridge=0.1, retention=1.1, thinnings=1)


def test_of_equal_choices_the_smaller_ratio_of_the_later_category_is_taken():
    assert knapsack(np.zeros((2, 11)), 7)[0].tolist() == [7, 0]
    assert knapsack(np.zeros((3, 11)), 15)[0].tolist() == [10, 5, 0]


# --- M is noisy


def test_a_monotone_row_is_the_nearest_one_that_never_falls():
    """Two neighbours that fall share their mean, and three where that does not do."""
    rows = np.array([[0.1, 0.4, 0.2, 0.5], [0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4]])
    wanted = [[0.1, 0.3, 0.3, 0.5], [0.25] * 4, [0.1, 0.2, 0.3, 0.4]]
    assert monotone(rows) == pytest.approx(np.array(wanted))


def alike(performance, users=50):
    """Everybody has the same hit rates: no noise."""
    return np.repeat(performance[:, :, None], users, axis=2)


def test_without_noise_the_knapsack_decides():
    """Whatever pays everybody is taken."""
    performance = np.sort(np.random.default_rng(2).random((4, 11)), axis=1)
    for total in (0, 7, 20, 40):
        best, value = knapsack(performance, total)
        chosen = even_ratios(performance, alike(performance), total)
        assert chosen.tolist() == best.tolist()
        assert performance[range(4), chosen].sum() == pytest.approx(value)


@pytest.mark.parametrize(
    ("total", "wanted"), [(20, [5, 5, 5, 5]), (22, [5, 5, 6, 6]), (0, [0] * 4)]
)
def test_where_m_is_flat_shares_are_equal(total, wanted):
    performance = np.full((4, 11), 0.3)
    assert sorted(even_ratios(performance, alike(performance), total)) == wanted


def test_a_category_that_counts_gets_its_share_and_the_others_share_equally():
    performance = np.full((5, 11), 0.3)
    performance[2] = np.linspace(0, 0.3, 11)
    assert even_ratios(performance, alike(performance), 22).tolist() == [3, 3, 10, 3, 3]


def noisy(seed, users=400):
    """Each tenth of category 0 brings .04 more hits. Else a ratio changes the hits of one user in ten, by chance."""
    rng = np.random.default_rng(seed)
    rates = np.full((5, 11), 0.4)
    rates[0] = 0.2 + 0.04 * np.arange(11)
    taste = np.repeat(rng.random((5, 1, users)), 11, axis=1)
    changed = rng.random(taste.shape) < 0.1
    taste[changed] = rng.random(changed.sum())
    per_user = (taste < rates[:, :, None]).astype(float)
    return monotone(per_user.mean(axis=2)), per_user


def test_shares_do_not_follow_noise():
    """The knapsack alone moves them by three tenths from sample to sample. One sample in ten passes for a signal."""
    moves = {"knapsack": [], "even": []}
    for seed in range(10):
        performance, per_user = noisy(seed)
        chosen = even_ratios(performance, per_user, 25)
        assert chosen.sum() == 25
        assert chosen[0] == max(chosen) >= 9  # what counts is seen
        moves["even"].append(chosen[1:])
        moves["knapsack"].append(knapsack(performance, 25)[0][1:])
    spread = {name: np.std(shares, axis=0).mean() for name, shares in moves.items()}
    assert spread["even"] < 1.2 < 3 < spread["knapsack"]


def test_evener_ratios_lose_no_more_than_their_standard_error():
    for seed in range(5):
        performance, per_user = noisy(seed, users=60)
        best, value = knapsack(performance, 25)
        chosen = even_ratios(performance, per_user, 25)
        lost = (per_user[range(5), best] - per_user[range(5), chosen]).sum(axis=0)
        error = np.std(lost) / np.sqrt(60)
        assert value - performance[range(5), chosen].sum() <= error + 1e-9
        assert (chosen**2).sum() <= (best**2).sum()


def test_diversity_keeps_the_only_item_of_a_category():
    """A share is rounded up: half of one item is one."""
    strategy = Diversity(np.array([0] + [1] * 10), np.array([0.5, 0.2]))
    kept = strategy.select(np.arange(11), NOBODY, 10, np.random.default_rng(1))
    assert len(kept) == 3
    assert kept[0] == 0


def test_diversity_keeps_each_categorys_ratio():
    categories = np.array([0] * 10 + [1] * 10)
    strategy = Diversity(categories, np.array([0.2, 0.7]))
    kept = strategy.select(np.arange(20), NOBODY, 15, np.random.default_rng(1))
    assert np.bincount(categories[kept]).tolist() == [2, 7]
    assert len(strategy.select(np.arange(20), NOBODY, 4, np.random.default_rng(1))) == 4


def test_categories_follow_the_genres():
    genres = ["War", "Comedy|Romance", "War", "", "Comedy|Romance"]
    vectors = genre_vectors(genres)
    assert np.linalg.norm(vectors, axis=1).tolist() == pytest.approx([1, 1, 1, 0, 1])
    found = item_categories(vectors, 8, seed=1)  # three distinct vectors, so three categories
    assert len(set(found)) == 3
    assert found[0] == found[2]
    assert found[1] == found[4]


def test_fold_in_is_ridge_regression():
    generator = torch.Generator().manual_seed(1)
    factors = torch.randn(9, 3, generator=generator, dtype=torch.float64)
    history = (torch.rand(2, 9, generator=generator) < 0.5).double()
    weight = 0.1 * float((factors**2).sum(1).mean()) * 9 / 3
    stacked = torch.cat([factors, weight**0.5 * torch.eye(3, dtype=torch.float64)])
    target = torch.cat([history.T, torch.zeros(3, 2, dtype=torch.float64)])
    users = torch.linalg.lstsq(stacked, target).solution.T
    fold_in = FoldIn(factors, 0.1)
    folded = fold_in.users(history.nonzero(), 2)
    assert torch.allclose(folded, users, atol=1e-10)
    assert torch.allclose(fold_in.score(folded), users @ factors.T, atol=1e-10)


def test_thinned_rows():
    """Of five and of two rows: so many are kept, rounded up, and larger ratios keep what smaller ones kept."""
    rows = torch.tensor([(0, item) for item in range(5)] + [(3, item) for item in range(2)])
    found, before = {}, set()
    for place, kept in _thinned(rows, np.random.default_rng(1)):
        own = set(map(tuple, kept.tolist()))
        assert len(own) == len(kept) and before <= own
        found[place] = [sum(user == one for user, _ in own) for one in (0, 3)]
        before = own
    counts = [[1, 1], [1, 1], [2, 1], [2, 1], [3, 1], [3, 2], [4, 2], [4, 2], [5, 2]]
    assert found == dict(enumerate(counts, 1))


@pytest.fixture
def halves():
    """Users like even or odd items. Of category 0 they have what they like; category 1 is noise."""
    generator = torch.Generator().manual_seed(2)
    users, items = 60, 40
    likes = torch.arange(users)[:, None] % 2 == torch.arange(items) % 2
    seen = likes & (torch.rand(users, items, generator=generator) < 0.6)
    seen[:, 20:] = torch.rand(users, 20, generator=generator) < 0.3
    valid = likes & ~seen
    valid[:, 20:] = False
    factors = torch.cat(
        [torch.eye(2)[torch.arange(items) % 2], torch.rand(items, 2, generator=generator)], 1
    )
    factors[20:, :2] = 0
    return FoldIn(factors, 0.01), seen, valid, np.repeat([0, 1], 20)


def as_sets(halves):
    """The same with sets of pairs, for masks."""
    fold_in, *masks, categories = halves
    return fold_in, *map(set_of, masks), categories


def test_hits_of_thinned_histories(halves):
    """With everything kept the category does not matter; to thin a category that carries all the taste hurts."""
    hits = thinned_hits(*as_sets(halves), np.random.default_rng(1), thinnings=3)
    assert hits.dtype == torch.bool
    assert hits.shape == (3, 2, len(RATIOS), halves[2].any(dim=1).sum())
    assert (hits[:, :, -1] == hits[0, 0, -1]).all()  # nothing is thinned there
    assert (hits[:, :, 0] == hits[0, :, 0]).all()  # and there everything: nothing is left to chance
    assert not (hits[0] == hits[1]).all()
    rates = hits.double().mean(dim=(0, 3))
    assert rates[0, 0] < rates[0, -1]


def test_hits_are_those_of_histories_folded_in_anew(halves):
    """The same draws, each history whole and by itself."""
    fold_in, train, valid, categories = halves
    hits = thinned_hits(*as_sets(halves), np.random.default_rng(1), thinnings=2)
    rng = np.random.default_rng(1)
    for category in (0, 1):
        rows = train.nonzero()
        is_inside = torch.from_numpy(categories == category)[rows[:, 1]]
        for thinning in range(2):
            for place, kept in _thinned(rows[is_inside], rng):
                history = torch.cat([rows[~is_inside], kept])
                scores = fold_in.score(fold_in.users(history, len(train)))
                scores[train] = -torch.inf
                best = scores.topk(10).indices
                wanted = valid.gather(1, best).any(dim=1)[valid.any(dim=1)]
                assert torch.equal(hits[thinning, category, place], wanted)


def test_performance_needs_a_validation_row():
    nobody = set_of(torch.zeros(2, 4, dtype=torch.bool))
    fold_in, rng = FoldIn(torch.eye(4), 0.1), np.random.default_rng(1)
    with refused(place="diversity", what="no user has a validation row"):
        thinned_hits(fold_in, nobody, nobody, np.array([0, 0, 1, 1]), rng, thinnings=1)


def test_what_diversity_learns_is_written(halves, tmp_path):
    """M with its spread over thinnings; one thinning has none."""
    _, seen, valid, _ = halves
    data = TrainingData(tuple(seen.nonzero().T), tuple(valid.nonzero().T), 60, 40)
    options = {"categories": 2, "retention": 0.5, "ridge": 0.01}
    for thinnings in (1, 4):
        folder = tmp_path / str(thinnings)
        folder.mkdir()
        own = options | {"thinnings": thinnings}
        diversity.fit(FitContext(halves[0].items, ["War", "Comedy"] * 20, data, own, 1), folder)
        table = pd.read_csv(folder / "performance.csv")
        assert [*table] == ["category", "ratio", "hit_rate", "se", "monotone"]
        assert table["ratio"].tolist() == [tenths / 10 for tenths in range(11)] * 2
        assert table.groupby("category")["monotone"].is_monotonic_increasing.all()
        assert table.groupby("category")["monotone"].mean().tolist() == pytest.approx(
            table.groupby("category")["hit_rate"].mean().tolist()
        )
        if thinnings == 1:
            assert table["se"].isna().all()
        else:
            assert (table.query("ratio in (0, 1)")["se"] == 0).all() and table["se"].max() > 0
        ratios = pd.read_csv(folder / "ratios.csv")
        assert [*ratios] == ["category", "ratio", "knapsack"]
        assert ratios[["ratio", "knapsack"]].sum().tolist() == pytest.approx([1, 1])
        assert diversity.load(folder).ratios.tolist() == ratios["ratio"].tolist()


@pytest.fixture
def taste():
    """Even users like even items: factors do not tell, so attention has to learn it."""
    generator = torch.Generator().manual_seed(6)
    liked = torch.arange(60)[:, None] % 2 == torch.arange(20) % 2
    pairs = (liked & (torch.rand(60, 20, generator=generator) < 0.8)).nonzero()
    return TrainingData(tuple(pairs.T), tuple(pairs[:1].T), 60, 20), torch.randn(
        20, 8, generator=generator
    ) * 0.1


def test_attention_learns_and_repeats(taste):
    data, factors = taste
    options = Options(heads=2, epochs=30, batch_size=128, learning_rate=0.01, length=10)
    network, losses = train_attention(factors, data, options, seed=1)
    again, _ = train_attention(factors, data, options, seed=1)
    assert losses[-1] < 0.6 * losses[0]
    assert torch.equal(network.key.weight, again.key.weight)
    alpha = Attention(network).alpha(np.arange(20), np.array([0, 1]))
    assert alpha.sum(axis=1).tolist() == pytest.approx([1, 1], abs=1e-5)


def test_attention_weights_skip_what_is_absent(taste):
    network = HistoryAttention(taste[1], heads=4)
    present = torch.tensor([[[True, False, True], [True, True, True]]])
    weights = network.weights(torch.tensor([[3, 4]]), torch.tensor([[1, 2, 5]]), present)
    assert weights.shape == (1, 2, 4, 3)
    assert weights[0, 0, :, 1].tolist() == [0, 0, 0, 0]
    assert torch.all(weights[0, 1] > 0)
    assert weights.sum(-1).flatten().tolist() == pytest.approx([1] * 8)


def test_attention_by_the_papers_equations(taste):
    """Equations 6 to 8 written out for one candidate, head by head."""
    generator = torch.Generator().manual_seed(2)
    network = HistoryAttention(taste[1], heads=2)
    for layer in (network.query, network.key, network.value, network.output):
        torch.nn.init.normal_(layer.weight, generator=generator)
    items, candidate, history = network.items.weight, 3, [1, 2, 5]
    outputs, alphas = [], []
    for head in (slice(0, 4), slice(4, 8)):
        query = network.query.weight[head] @ items[candidate]
        keys, values = (
            items[history] @ layer.weight[head].T for layer in (network.key, network.value)
        )
        alphas.append(torch.softmax(keys @ query / 2, dim=0))  # the root of four dimensions a head
        outputs.append(alphas[-1] @ values)
    wanted = (network.output.weight @ torch.cat(outputs)) @ items[candidate]
    shown, seen = torch.tensor([[candidate]]), torch.tensor([history])
    got = network(shown, seen, torch.ones(1, 1, 3, dtype=torch.bool))
    assert got.item() == pytest.approx(wanted.item(), rel=1e-4)
    alpha = Attention(network).alpha(np.array(history), np.array([candidate]))
    assert alpha[0].tolist() == pytest.approx(torch.stack(alphas).mean(0).tolist(), rel=1e-4)


def test_attention_keeps_the_largest_alpha(taste, monkeypatch):
    """Candidate 0 wants place 3, candidate 1 places 0 and 4; two places are kept: those with the largest α of any."""
    strategy = Attention(HistoryAttention(taste[1], heads=2))
    table = np.array([[0.1, 0.1, 0.1, 0.6, 0.1], [0.3, 0.1, 0.1, 0.1, 0.4]])
    monkeypatch.setattr(strategy, "alpha", lambda history, candidates: table)
    assert strategy.select(np.arange(5), np.arange(2), 2, np.random.default_rng(1)).tolist() == [
        3,
        4,
    ]


def test_attention_never_sees_the_positive_it_is_to_predict(monkeypatch):
    """What is seen of a history is all of it but the positive. Users own items of their own, so items tell the user."""
    own = {user: set(range(4 * user, 4 * user + 4)) for user in range(5)} | {5: {20}}
    pairs = torch.tensor([(user, item) for user, items in own.items() for item in sorted(items)])
    data = TrainingData(tuple(pairs.T), tuple(pairs[:1].T), 6, 30)
    asked, forward = [], HistoryAttention.forward

    def spy(network, candidates, history, present):
        asked.extend(zip(candidates.tolist(), history.tolist(), present.tolist(), strict=True))
        return forward(network, candidates, history, present)

    monkeypatch.setattr(HistoryAttention, "forward", spy)
    options = Options(heads=2, epochs=2, batch_size=8, length=10)
    train_attention(
        torch.randn(30, 4, generator=torch.Generator().manual_seed(1)), data, options, seed=1
    )
    for (positive, negative), history, (of_positive, of_negative) in asked:
        seen = [item for item, shown in zip(history, of_positive, strict=True) if shown]
        assert of_positive == of_negative
        assert negative not in seen
        assert sorted([*seen, positive]) == sorted(own[positive // 4])
    told = sorted(positive for (positive, _), *_ in asked)
    assert told == sorted(
        [*range(20)] * 2
    )  # item 20 is all that its user has: nothing is left to attend to


def sparse(several, singles, items=40):
    """The first user has several training rows, every other user one."""
    users = [0] * several + list(range(1, singles + 1))
    rows = (torch.tensor(users), torch.arange(len(users)))
    return TrainingData(rows, tuple(column[:1] for column in rows), singles + 1, items)


def random_factors(items=40):
    return torch.randn(items, 4, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("batch_size", "with_history"), [(1, 4), (29, 1), (30, 1)])
def test_a_batch_of_users_without_a_history_is_skipped(monkeypatch, batch_size, with_history):
    """Four rows have others of their user beside them: in batches of one all others are skipped."""
    taken, step = [], attention._step
    monkeypatch.setattr(attention, "_step", lambda *args: taken.append(step(*args)) or taken[-1])
    options = Options(heads=2, epochs=1, batch_size=batch_size)
    _, losses = train_attention(random_factors(), sparse(4, 26), options, seed=1)
    found = [loss.item() for loss in taken if loss is not None]
    assert len(taken) == -(-30 // batch_size)
    assert len(found) >= with_history
    assert len(found) == 4 or batch_size > 1
    assert losses == [pytest.approx(np.mean(found))]


def test_the_last_batch_may_be_one_user_without_a_history(monkeypatch):
    """1,595 rows in batches of 797: the last batch is one row, under this seed of a user who has no other."""
    taken, step = [], attention._step
    monkeypatch.setattr(attention, "_step", lambda *args: taken.append(step(*args)) or taken[-1])
    options = Options(heads=2, epochs=1, batch_size=797, length=5)
    data = sparse(600, 995, items=1600)
    _, losses = train_attention(random_factors(1600), data, options, seed=4)
    first, second, last = taken
    assert last is None
    assert losses == [pytest.approx((first.item() + second.item()) / 2)]


def test_a_skipped_batch_moves_no_weight():
    """Adam would go on by its momentum where the gradient is zero."""
    network = HistoryAttention(random_factors(), heads=2)
    adam = torch.optim.Adam(network.parameters(), lr=0.1)
    histories, generator = Histories(sparse(4, 26)), torch.Generator()
    assert (
        attention._step(network, adam, histories, torch.tensor([[0], [0], [9]]), 5, generator) > 0
    )
    before = [weight.clone() for weight in network.parameters()]
    alone = torch.tensor([[1, 2], [4, 5], [9, 9]])
    assert attention._step(network, adam, histories, alone, 5, generator) is None
    assert all(map(torch.equal, before, network.parameters()))


def test_attention_needs_a_user_with_two_rows():
    with refused(place="attention", what="no user has two training rows"):
        train_attention(random_factors(), sparse(1, 29), Options(heads=2), seed=1)


def test_heads_must_divide_the_dimensions():
    backbone = TrainingOptions(dimensions=8, learning_rate=0.1, batch_size=1, epochs=1, patience=1)
    clash = str(Options(heads=3).clash(backbone))
    assert clash.startswith("heads:") and "got 3" in clash
    assert Options(heads=4).clash(backbone) is None


def test_padded_histories():
    """Of any users, in any order, as long as the longest of all."""
    data = TrainingData((torch.tensor([2, 0, 2]), torch.tensor([5, 1, 3])), (NOBODY, NOBODY), 3, 6)
    histories = Histories(data)
    assert histories.padded(torch.arange(3)).tolist() == [[1, -1], [-1, -1], [5, 3]]
    assert histories.padded(torch.tensor([1, 0, 1])).tolist() == [[-1, -1], [1, -1], [-1, -1]]


def test_candidates_leave_out_what_was_seen_but_not_what_is_forgotten():
    factors = torch.eye(4)
    model = FactorModel(torch.tensor([[4.0, 3, 2, 1]]), factors, torch.zeros(1, 4), factors)
    seen = pd.DataFrame({"user": [0], "item": [1]})
    table = top_candidates(model, seen, np.array([0]), items=4, count=2)
    assert table["item"].tolist() == [0, 2]
    assert table["rank"].tolist() == [1, 2]
    assert table["score"].tolist() == [4, 2]


def test_selection_keeps_rows_of_the_history_in_order():
    history = pd.DataFrame({"row": [3, 5, 8, 9], "user": [0, 0, 0, 1], "item": [7, 6, 5, 4]})
    shown = pd.DataFrame({"user": [0, 1, 2], "item": [1, 2, 3]})
    table, seconds = select_histories(Whole(), "none", history, shown, limit=2, seed=1)
    assert table.to_dict("list") == {"user": [0, 0, 1], "row": [5, 8, 9], "item": [6, 5, 4]}
    assert seconds.wall > 0 and seconds.cpu > 0


def test_selection_without_a_limit_keeps_whole_histories():
    rows = list(range(0, 300, 2))
    history = pd.DataFrame({"row": rows, "user": [row // 200 for row in rows], "item": rows})
    shown = pd.DataFrame({"user": [0, 1, 2], "item": [1, 2, 3]})
    table, _ = select_histories(Whole(), "none", history, shown, limit=None, seed=1)
    assert table["row"].tolist() == rows
    few, _ = select_histories(Whole(), "none", history, shown, limit=30, seed=1)
    assert few["row"].tolist() == [*range(140, 200, 2), *range(240, 300, 2)]


def test_a_strategy_that_keeps_everything_is_given_the_length_as_its_limit():
    told = []

    class Asked:
        def select(self, history, candidates, limit, rng):
            told.append((len(history), limit))
            return np.arange(len(history))

    history = pd.DataFrame({"row": [3, 5, 8], "user": [0, 0, 1], "item": [7, 6, 5]})
    shown = pd.DataFrame({"user": [0, 1, 2], "item": [1, 2, 3]})
    select_histories(Asked(), "asked", history, shown, limit=None, seed=1)
    assert told == [(2, 2), (1, 1), (0, 0)]


class Fixed:
    """Returns the same places whatever it is asked."""

    def __init__(self, places):
        self.places = np.array(places)

    def select(self, history, candidates, limit, rng):
        return self.places


def select_fixed(places, limit):
    """Two rows of history, of which a broken strategy chooses."""
    history = pd.DataFrame({"row": [3, 5], "user": [0, 0], "item": [7, 6]})
    return select_histories(
        Fixed(places), "fixed", history, pd.DataFrame({"user": [0], "item": [1]}), limit, seed=1
    )


@pytest.mark.parametrize("limit", [1, 2, None])
@pytest.mark.parametrize("places", [[0, 0], [1, 0], [0, 2], [-1, 0], [0, 1, 2]])
def test_a_strategy_that_breaks_its_contract_is_stopped(places, limit):
    with refused(place="strategy fixed: user 0", got=places):
        select_fixed(places, limit)


@pytest.mark.parametrize("limit", [2, None])
def test_the_message_names_how_many_may_be_kept(limit):
    with refused(got=[0, 1, 2], what="not 2 or fewer ascending places"):
        select_fixed([0, 1, 2], limit)
