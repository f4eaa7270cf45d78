"""Deletion requests: their files and draws, and how CRAGRU serves them."""

from itertools import product

from cragru.core.errors import CragruError
from cragru.core.names import ORIGINAL
from cragru.plan import places
from cragru.plan.cells import SHOWN, TABLE_STRATEGY, TOGETHER, Cell
from cragru.plan.run import Run
from cragru.plan.wildcards import Wildcards


def served_cell(dataset: str, protocol: str, seed: int, backbone: str) -> Cell:
    """Return how CRAGRU serves a request: as the paper has it, with the whole remaining history."""
    return Cell(dataset, protocol, seed, backbone, ORIGINAL, TABLE_STRATEGY, SHOWN)


def service_file(cell: Cell, request: str, llm: str, name: str) -> str:
    """Return the path of a file of a request that CRAGRU serves.

    Args:
        cell: How it is served, of `served_cell`.
        request: Name of the request.
        llm: Name of the LLM.
        name: Name of the file.
    """
    return f"{places.place(places.SERVICE, **cell._asdict(), request=request, llm=llm)}/{name}"


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
        must not make the deployed state anew (`apply_request` checks it). `ancient` does not help: what is behind it is
        then never planned, https://github.com/snakemake/snakemake/issues/4166.
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

    def number(self, wildcards: Wildcards) -> int | None:
        """Return which draw a request is, or None where it comes from a file.

        Raises:
            CragruError: If there are fewer draws.
        """
        return None if self._are_files(wildcards) else self._position(wildcards) + 1

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
            cell = served_cell(*state, backbone)
            found.append(service_file(cell, request, wildcards.llm, name))
        return found

    def _batch(self, wildcards: Wildcards) -> list[tuple[str, ...]]:
        """Return requests and backbones of a batch."""
        if wildcards.batch != TOGETHER:
            return [tuple(wildcards.batch.split("/"))]
        requests = self._run.requests(wildcards.protocol)
        return list(product(requests, self._run.settings.backbones))
