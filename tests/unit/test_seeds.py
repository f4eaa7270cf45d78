import itertools

import numpy as np
import pytest
import torch

from cragru.core.seeds import numpy_stream, stream_key, torch_stream

# Purposes that must not share numbers: other seeds, names, orders, and names that would join to the same text.
PURPOSES = [
    (1, "split"),
    (2, "split"),
    (1, "forget"),
    (1, "split", 1),
    (1, "split", 11),
    (1, "split", 1, 1),
    (1, "spl", "it"),
    (11, "split"),
    (1,),
    (1, "1"),
    (11,),
    (1, "a", "b"),
    (1, "b", "a"),
    (1, "ab"),
]


def numpy_draw(*purpose):
    return tuple(numpy_stream(*purpose).random(4))


def torch_draw(*purpose):
    return tuple(torch.rand(4, generator=torch_stream(*purpose), dtype=torch.float64).tolist())


@pytest.mark.parametrize("draw", [numpy_draw, torch_draw])
def test_equal_purposes_draw_equal_numbers(draw):
    assert [draw(*purpose) for purpose in PURPOSES] == [draw(*purpose) for purpose in PURPOSES]
    assert draw(1, "split", 7) == draw(1, "split", "7")  # a wildcard is text


@pytest.mark.parametrize("draw", [numpy_draw, torch_draw])
def test_different_purposes_draw_different_numbers(draw):
    numbers = [number for purpose in PURPOSES for number in draw(*purpose)]
    assert len(set(numbers)) == len(numbers)


def test_streams_are_not_each_other_shifted():
    draws = [numpy_stream(1, "user", user).random(1000) for user in range(10)]
    for first, second in itertools.combinations(draws, 2):
        assert not np.isin(first, second).any()
        assert (
            abs(np.corrcoef(first, second)[0, 1]) < 0.15
        )  # 4.7 standard errors; the seeds are fixed


def test_global_generators_are_left_alone():
    torch.manual_seed(0)
    np.random.seed(0)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    numpy_draw(1, "split")
    torch_draw(1, "split")
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])


# What follows was written down once. A change of it changes every split and every model ever published: think twice.


def test_key_is_the_hash_of_the_purpose():
    # printf 'cragru\x1f1\x1fsplit\x1f7' | sha256sum, in words of four bytes, lowest first
    digest = "b9f806a834569126910a4b982a16b5125c8c1dd561c90ca91a9eb07af0e7dc27"
    words = [int.from_bytes(bytes.fromhex(digest[at : at + 8]), "little") for at in range(0, 64, 8)]
    assert stream_key(1, "split", 7) == words


def test_numpy_stream_is_as_ever():
    assert numpy_stream(1, "split", 7).integers(1000, size=5).tolist() == [261, 432, 981, 362, 453]


def test_torch_stream_is_as_ever():
    assert torch.randint(1000, (5,), generator=torch_stream(1, "split", 7)).tolist() == [
        173,
        767,
        656,
        409,
        439,
    ]
