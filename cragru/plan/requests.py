"""Deletion requests: their files and draws, and how CRAGRU serves them."""

from cragru.core.errors import CragruError
from cragru.core.names import ORIGINAL
from cragru.plan import places
from cragru.plan.cells import SHOWN, TABLE_STRATEGY, TOGETHER, Cell
from cragru.plan.run import Run
from cragru.plan.wildcards import Wildcards


def served_cell(dataset: str, protocol: str, seed: int, backbone: str) -> Cell:
    """How CRAGRU serves a request: as the paper has it, with the whole remaining history."""
    return Cell(dataset, protocol, seed, backbone, ORIGINAL, TABLE_STRATEGY, SHOWN)


def service_file(cell: Cell, request: str, llm: str, name: str) -> str:
    """A file of a request that CRAGRU serves.

    Args:
        cell: How it is served, of `served_cell`.
        request: Name of the request.
        llm: Name of the LLM.
        name: Of the file.
    """
    return f"{places.place(places.SERVICE, **cell._asdict(), request=request, llm=llm)}/{name}"


class Requests:
    """What the rules of deletion requests depend on."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def check(self, wildcards: Wildcards) -> str | list[str]:
        """The check of all requests, for a protocol that takes them from files."""
        return (
            places.place(places.CHECKED_REQUESTS, **dict(wildcards.items()))
            if self._are_files(wildcards)
            else []
        )

    def all_files(self, wildcards: Wildcards, input: object) -> list[str]:
        """Every request's file, to be checked before the deployed state is split and trained.

        They are no input, and this is a function of `input`, whose values Snakemake does not track: a further request
        must not make the deployed state anew (`apply_request` checks it). `ancient` does not help: what is behind it is
        then never planned, https://github.com/snakemake/snakemake/issues/4166.
        """
        run = self._run
        return [run.request_file(request) for request in run.settings.requests.files]

    def file(self, wildcards: Wildcards) -> str | list[str]:
        """The file of a request, or nothing where a user is drawn.

        Raises:
            CragruError: If the request is not named in the configuration.
        """
        if not self._are_files(wildcards):
            return []
        files = self._run.settings.requests.files
        if wildcards.request not in files:
            known = ", ".join(files) or "none"
            raise CragruError(
                f"request {wildcards.request!r}: not in the config key requests.files (known: {known})"
            )
        return self._run.request_file(wildcards.request)

    def number(self, wildcards: Wildcards) -> int | None:
        """Which draw a request is, or None where it comes from a file.

        Raises:
            CragruError: If there are fewer draws.
        """
        if self._are_files(wildcards):
            return None
        names = self._run.requests(wildcards.protocol)
        if wildcards.request not in names:
            raise CragruError(
                f"request {wildcards.request!r}: requests.one_user allows {names[0]} to {names[-1]}"
            )
        return names.index(wildcards.request) + 1

    def prompts(self, wildcards: Wildcards) -> list[str]:
        """The prompts of every request of a batch."""
        return self._batch_files(wildcards, places.PROMPTS)

    def proofs(self, wildcards: Wildcards) -> list[str]:
        """The proofs that belong to these prompts."""
        return self._batch_files(wildcards, places.PROOF)

    def receipt(self, wildcards: Wildcards) -> str:
        """The receipt of the job that has a request answered: with all others of its state, on the run's backbones."""
        is_of_run = wildcards.backbone in self._run.settings.backbones
        batch = TOGETHER if is_of_run else f"{wildcards.request}/{wildcards.backbone}"
        names = dict(wildcards.items())
        return places.place(places.SERVICE_RECEIPT, **names, batch=batch, share=1, shares=1)

    def _are_files(self, wildcards: Wildcards) -> bool:
        return self._run.protocols[wildcards.protocol].forget.kind == "file"

    def _batch_files(self, wildcards: Wildcards, name: str) -> list[str]:
        """A file of every request of a batch."""
        found = []
        for request, backbone in self._batch(wildcards):
            cell = served_cell(wildcards.dataset, wildcards.protocol, int(wildcards.seed), backbone)
            found.append(service_file(cell, request, wildcards.llm, name))
        return found

    def _batch(self, wildcards: Wildcards) -> list[tuple[str, str]]:
        """Requests and backbones of a batch."""
        if wildcards.batch != TOGETHER:
            request, backbone = wildcards.batch.split("/")
            return [(request, backbone)]
        requests, backbones = (
            self._run.requests(wildcards.protocol),
            self._run.settings.backbones,
        )
        return [(request, backbone) for request in requests for backbone in backbones]
