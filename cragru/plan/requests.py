"""Deletion requests: their files and draws, and how CRAGRU serves them."""

from itertools import product
from typing import Any

from cragru.core.errors import CragruError
from cragru.core.names import LISTWISE, ORIGINAL
from cragru.data.deletion import deletion
from cragru.plan import places
from cragru.plan.cells import SHOWN, TABLE_STRATEGY, TOGETHER, Cell
from cragru.plan.rows import Row
from cragru.plan.run import Run
from cragru.plan.wildcards import Wildcards

REQUESTER = "requester"  # whom a request is served for, in paths


def served_cell(dataset: str, protocol: str, seed: int, backbone: str, llm: str) -> Cell:
    """Return how CRAGRU serves a request: as the paper has it, with the whole remaining history."""
    how = (ORIGINAL, TABLE_STRATEGY, SHOWN, llm, LISTWISE, REQUESTER)
    return Cell(dataset, protocol, seed, backbone, *how)


def service_file(cell: Cell, request: str, name: str) -> str:
    """Return the path of a file of a request that CRAGRU serves.

    Args:
        cell: How it is served, of `served_cell`.
        request: Name of the request.
        name: Name of the file.
    """
    return f"{places.place(places.SERVICE, **cell._asdict(), request=request)}/{name}"


def service_rows(run: Run) -> list[Row]:
    """Return a row for every model that the run's own requests leave, in the order in which they are served."""
    settings, protocol = run.settings, run.settings.requests.protocol
    grid = product(
        settings.datasets,
        settings.seeds,
        run.requests(protocol),
        settings.backbones,
        settings.methods,
    )
    rows = []
    for dataset, seed, request, backbone, method in grid:
        names: dict[str, Any] = {"dataset": dataset, "protocol": protocol, "seed": seed}
        names |= {"request": request, "backbone": backbone}
        folder = places.place(places.REQUEST_METHOD, **names, method=method)
        files = {"model": f"{folder}/{places.MODEL_FILE}"}
        rows.append(Row(**names, model=method, files=files))
    return rows


class Requests:
    """What the rules of deletion requests depend on."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def check(self, wildcards: Wildcards) -> str | list[str]:
        """Return the check of all requests, for a protocol that takes them from files."""
        if not self._are_files(wildcards):
            return []
        names = dict(wildcards.items())
        return places.place(places.CHECKED_REQUESTS, **names)

    def all_files(self, wildcards: Wildcards, input: object) -> list[str]:
        """Return every request's file, to be checked before the deployed state is split and trained.

        They are no input, and this is a function of `input`, whose values Snakemake does not track: a further request
        must not make the deployed state anew (`apply_request` checks it). `ancient` does not help: it is about dates,
        and Snakemake compares the set of inputs as well.
        """
        requests = self._run.settings.requests.files
        return list(map(self._run.request_file, requests))

    def file(self, wildcards: Wildcards) -> str | list[str]:
        """Return the file of a request, or nothing where a user is drawn.

        Raises:
            CragruError: If the request is not named in the configuration.
        """
        if not self._are_files(wildcards):
            return []
        self._position(wildcards)
        return self._run.request_file(wildcards.request)

    def divided(self, wildcards: Wildcards) -> list[str]:
        """Return the split that a request is taken out of: the deployed one, or what the request before it left.

        Of the latter, the forgotten parts are not read, so that they may have been purged.

        Raises:
            CragruError: If the request is not named in the configuration.
        """
        self._position(wildcards)
        previous = self.previous(wildcards)
        if previous is None:
            return places.filled(
                places.split_files(places.STATE).values(), **dict(wildcards.items())
            )
        files = places.split_files(places.REQUEST)
        kept = [*places.REMAINING_PARTS, "record", "manifest"]
        names = dict(wildcards.items()) | {"request": previous}
        return places.filled([files[name] for name in kept], **names)

    def previous(self, wildcards: Wildcards) -> str | None:
        """Return the request whose leavings a request starts from; None where that is the deployed state."""
        return self._run.previous(wildcards.protocol, wildcards.request)

    def divided_record(self, wildcards: Wildcards) -> str:
        """Return the record of that split."""
        (record,) = [path for path in self.divided(wildcards) if path.endswith("/split.json")]
        return record

    def number(self, wildcards: Wildcards) -> int | None:
        """Return which draw a request is, or None where it comes from a file.

        Raises:
            CragruError: If there are fewer draws.
        """
        return None if self._are_files(wildcards) else self._position(wildcards) + 1

    def deletes(self, wildcards: Wildcards, input: object) -> str:
        """Return what a request deletes, for who reads a plan: rows and users, or what its file asks for.

        A function of `input`, whose values Snakemake does not track: other words make nothing anew.
        """
        if not self._are_files(wildcards):
            return "all rows of 1 user, drawn at random"
        known = self._run.requests(wildcards.protocol)
        is_in_turn = self._run.protocols[wildcards.protocol].in_turn
        earlier = known[: known.index(wildcards.request)] if is_in_turn else []
        files = list(map(self._run.request_file, [*earlier, wildcards.request]))
        try:
            return deletion(files, places.place(places.PREPARED, dataset=wildcards.dataset))
        except CragruError as error:  # the job that reads the file says so, too
            return f"nothing, for it is refused: {error}"

    def prompts(self, wildcards: Wildcards) -> list[str]:
        """Return the prompts of every request of a batch."""
        return self._batch_files(wildcards, places.PROMPTS)

    def proofs(self, wildcards: Wildcards) -> list[str]:
        """Return the proofs that belong to these prompts."""
        return self._batch_files(wildcards, places.PROOF)

    def receipt(self, wildcards: Wildcards) -> str:
        """Return the receipt of the job that answers a request, with all others of its state on the run's backbones."""
        is_of_run = wildcards.backbone in self._run.settings.backbones
        batch = TOGETHER if is_of_run else f"{wildcards.request}/{wildcards.backbone}"
        names = dict(wildcards.items())
        return places.place(places.SERVICE_RECEIPT, **names, batch=batch, share=1, shares=1)

    def _are_files(self, wildcards: Wildcards) -> bool:
        return self._run.protocols[wildcards.protocol].forget.kind == "file"

    def _position(self, wildcards: Wildcards) -> int:
        """Return where a request stands among those of its protocol."""
        known = self._run.requests(wildcards.protocol)
        are_files = self._are_files(wildcards)
        if wildcards.request not in known:
            place, allowed = ("requests.files", known) if are_files else ("requests.one_user", None)
            what = f"there are {len(known)} requests, and none is called so"
            raise CragruError(what, place=place, got=wildcards.request, allowed=allowed)
        return known.index(wildcards.request)

    def _batch_files(self, wildcards: Wildcards, name: str) -> list[str]:
        """Return a file of every request of a batch."""
        found, state = [], (wildcards.dataset, wildcards.protocol, int(wildcards.seed))
        for request, backbone in self._batch(wildcards):
            cell = served_cell(*state, backbone, wildcards.llm)
            found.append(service_file(cell, request, name))
        return found

    def _batch(self, wildcards: Wildcards) -> list[tuple[str, ...]]:
        """Return requests and backbones of a batch."""
        if wildcards.batch != TOGETHER:
            return [tuple(wildcards.batch.split("/"))]
        requests = self._run.requests(wildcards.protocol)
        return list(product(requests, self._run.settings.backbones))
