"""What every retrieval strategy of params.yaml must hold to; a new entry there is tested without a change here."""

import importlib
from pathlib import Path

import numpy as np
import pytest
import torch

from cragru.backbones.base import TrainingData
from cragru.config.base import load_yaml, parse
from cragru.config.models import Params
from cragru.retrieval.base import FitContext

ROOT = Path(__file__).parents[2]
STRATEGIES = parse(Params, load_yaml(ROOT / "config" / "params.yaml"), "params.yaml").strategies
USERS, ITEMS, D = 30, 40, 8
CANDIDATES = np.arange(30, 40)


def context(seed=1):
    """Random tastes over items of four genres."""
    generator = torch.Generator().manual_seed(5)
    pairs = (torch.rand(USERS, ITEMS, generator=generator) < 0.5).nonzero()
    valid = torch.arange(len(pairs)) % 8 == 0
    return FitContext(
        item_factors=torch.randn(ITEMS, D, generator=generator),
        genres=[["Comedy", "Drama", "Drama|War", "Horror"][item % 4] for item in range(ITEMS)],
        data=TrainingData(tuple(pairs[~valid].T), tuple(pairs[valid].T), USERS, ITEMS),
        options={},
        seed=seed,
    )


@pytest.fixture(scope="module", params=STRATEGIES)
def strategy(request, tmp_path_factory):
    """A fitted strategy, read back from its files."""
    entry = STRATEGIES[request.param]
    module = importlib.import_module(entry.module)
    folder = tmp_path_factory.mktemp(request.param)
    told = context()
    module.fit(
        FitContext(told.item_factors, told.genres, told.data, entry.options, told.seed), folder
    )
    return module.load(folder)


def histories():
    rng = np.random.default_rng(3)
    return [rng.permutation(30)[:length] for length in (0, 1, 2, 7, 10, 11, 25, 30)]


@pytest.mark.parametrize("history", histories(), ids=len)
@pytest.mark.parametrize("limit", [1, 5, 10])
def test_places_are_distinct_ascending_and_few_enough(strategy, history, limit):
    places = strategy.select(history, CANDIDATES, limit, np.random.default_rng(1))
    assert len(places) <= limit
    assert np.all(np.diff(places) > 0)
    assert np.all((places >= 0) & (places < len(history)))


@pytest.mark.parametrize("history", histories(), ids=len)
def test_a_short_history_is_returned_whole(strategy, history):
    for limit in (max(1, len(history)), len(history) + 5):
        places = strategy.select(history, CANDIDATES, limit, np.random.default_rng(1))
        assert places.tolist() == list(range(len(history)))


def test_something_is_kept_of_a_long_history(strategy):
    assert len(strategy.select(np.arange(30), CANDIDATES, 10, np.random.default_rng(1))) >= 5


def test_a_stream_repeats_and_nothing_given_is_changed(strategy):
    history, candidates = np.arange(30)[::-1].copy(), CANDIDATES.copy()
    one, again = (
        strategy.select(history, candidates, 10, np.random.default_rng(7)) for _ in range(2)
    )
    assert one.tolist() == again.tolist()
    assert history.tolist() == list(range(29, -1, -1))
    assert candidates.tolist() == CANDIDATES.tolist()


@pytest.mark.parametrize("name", STRATEGIES)
def test_fitting_twice_writes_the_same_bytes(name, tmp_path):
    entry = STRATEGIES[name]
    module, told = importlib.import_module(entry.module), context()
    written = []
    for attempt in ("one", "two"):
        folder = tmp_path / attempt
        folder.mkdir()
        module.fit(
            FitContext(told.item_factors, told.genres, told.data, entry.options, told.seed), folder
        )
        written.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert written[0] == written[1]
