"""Giving units to shards, nearest pair first, under a capacity: the one assignment of BEKM and RecEraser."""

import numpy as np
from numpy import ndarray

from cragru.unlearning.partition.base import no_room


def assign(distances: ndarray, room: ndarray | int, sizes: ndarray | None = None) -> ndarray:
    """Walk over all (unit, shard) pairs by ascending distance; a unit not yet placed enters if its size fits.

    Pairs are in the order of (distance, unit, shard), so ties are settled too. The walk itself is never made: to a unit
    that waits only the nearest shard with room matters (room only shrinks). Sorted by that one pair, the units enter
    just as in the walk until the first does not fit; then the rest is sorted anew. With units of one size that makes at
    most S sorts of n instead of one of n·S.

    Distances are `[n, S]`, finite; rooms `[S]`, or one for all; sizes `[n]`, 1 by default. Returns the `[n]` int64
    shards; -1 where a unit fits nowhere any more.
    """
    count, shards = distances.shape
    sizes = np.ones(count, dtype=np.int64) if sizes is None else sizes
    room = np.asarray(room, dtype=np.int64)
    room = np.broadcast_to(room, shards).copy()
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
        units, target = waiting[entering], nearest[entering]
        labels[units] = target
        taken = np.bincount(target, sizes[units], minlength=shards)
        room -= taken.astype(np.int64)
        waiting = np.delete(waiting, entering)


def assign_all(
    distances: ndarray, room: int, sizes: ndarray | None = None, unit: str = "unit"
) -> ndarray:
    """Assign as `assign` does, where nothing may be left over.

    Raises:
        CragruError: If a unit fits nowhere.
    """
    labels = assign(distances, room, sizes)
    left = np.flatnonzero(labels < 0)
    if len(left):
        size = 1 if sizes is None else int(sizes[left[0]])
        raise no_room(unit, size, room)
    return labels


def _first_refused(shards: ndarray, sizes: ndarray, room: ndarray) -> int:
    """Return where in a queue of (shard, size) the first does not fit; the length of the queue if all do."""
    first = len(shards)
    for shard, places in enumerate(room):
        queue = np.flatnonzero(shards == shard)
        taken = np.cumsum(sizes[queue])
        fitting = np.searchsorted(taken, places, side="right")
        if fitting < len(queue):
            first = min(first, int(queue[fitting]))
    return first
