"""Named random streams: every purpose draws from its own, so a new one shifts no other's randomness."""

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def stream_key(seed: int, *names: str | int) -> list[int]:
    """Turn a seed and a purpose into the entropy of a stream of its own.

    Args:
        seed: The run's seed (a wildcard of the workflow).
        *names: What the stream is for, from general to particular, e.g. ``"split", 17``.

    Returns:
        Eight unsigned 32-bit words; equal arguments give equal words on every machine.
    """
    text = "\x1f".join(["cragru", str(seed), *map(str, names)])
    return np.frombuffer(hashlib.sha256(text.encode()).digest(), dtype="<u4").tolist()


def numpy_stream(seed: int, *names: str | int) -> np.random.Generator:
    """Return a NumPy generator of the stream `names` under `seed`."""
    return np.random.default_rng(np.random.SeedSequence(stream_key(seed, *names)))


def torch_stream(seed: int, *names: str | int) -> "torch.Generator":
    """Return a torch CPU generator of the stream `names` under `seed`.

    Random numbers are drawn on the CPU and moved, so that a GPU run sees the same samples. Torch's CPU generator takes
    one word of the key.
    """
    import torch

    return torch.Generator().manual_seed(stream_key(seed, *names)[0])
