"""Giving units to shards, nearest pair first, under a capacity: the one assignment of BEKM and RecEraser."""

import numpy as np

from cragru.core.errors import CragruError


def assign(
    distances: np.ndarray, room: np.ndarray | int, sizes: np.ndarray | None = None
) -> np.ndarray:
    """Walk over all (unit, shard) pairs by ascending distance; a unit not yet placed enters if its size fits.

    Pairs are in the order of (distance, unit, shard), so ties are settled too. The walk itself is never made: at any
    time only the nearest shard with room matters to a unit that waits, as its nearer pairs are dead (room only
    shrinks). Sorted by that one pair, the units enter just as in the walk until the first does not fit; its pair is
    dead from then on, and the rest is sorted anew. With units of one size that happens once for each full shard, so
    there are at most S sorts of n instead of one of n·S.

    Args:
        distances: `[n, S]`, finite.
        room: `[S]` capacities, or one for all.
        sizes: `[n]` what each unit takes up; 1 by default.

    Returns:
        `[n]` int64 shard of each unit; -1 where it fits nowhere any more.
    """
    count, shards = distances.shape
    sizes = np.ones(count, dtype=np.int64) if sizes is None else sizes
    room = np.broadcast_to(np.asarray(room, dtype=np.int64), shards).copy()
    labels = np.full(count, -1, dtype=np.int64)
    waiting = np.arange(count)
    while True:
        fits = sizes[waiting, None] <= room
        possible = fits.any(axis=1)
        waiting, fits = waiting[possible], fits[possible]
        if not len(waiting):
            return labels
        open_distances = np.where(fits, distances[waiting], np.inf)
        nearest = open_distances.argmin(axis=1)
        order = np.argsort(open_distances.min(axis=1), kind="stable")
        refused = _first_refused(nearest[order], sizes[waiting[order]], room)
        entering = order[:refused]
        labels[waiting[entering]] = nearest[entering]
        taken = np.bincount(nearest[entering], sizes[waiting[entering]], minlength=shards)
        room -= taken.astype(np.int64)
        waiting = np.delete(waiting, entering)


def assign_all(
    distances: np.ndarray, room: int, sizes: np.ndarray | None = None, unit: str = "unit"
) -> np.ndarray:
    """`assign`, where nothing may be left over.

    Raises:
        CragruError: If a unit fits nowhere.
    """
    labels = assign(distances, room, sizes)
    left = np.flatnonzero(labels < 0)
    if len(left):
        size = 1 if sizes is None else sizes[left[0]]
        raise CragruError(
            f"partition: {len(left)} {unit}s fit into no shard of capacity {room}, the first takes {size}; "
            "raise slack, ask for fewer shards or set capacity_on: users"
        )
    return labels


def _first_refused(shards: np.ndarray, sizes: np.ndarray, room: np.ndarray) -> int:
    """Where in a queue of (shard, size) the first does not fit; the length of the queue if all do."""
    first = len(shards)
    for shard, places in enumerate(room):
        queue = np.flatnonzero(shards == shard)
        fitting = np.searchsorted(np.cumsum(sizes[queue]), places, side="right")
        if fitting < len(queue):
            first = min(first, int(queue[fitting]))
    return first
