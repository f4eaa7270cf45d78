"""What a job asks a machine or a cluster for: memory and time, by the rows of its data set and by the try."""

from collections.abc import Callable
from dataclasses import dataclass

from cragru.plan.run import Run
from cragru.plan.wildcards import Wildcards

MILLION = 1_000_000
UNKNOWN = MILLION  # rows of a data set whose entry tells none

Need = Callable[[Wildcards, int], int]
"""What Snakemake calls with a job's wildcards and the number of the try, from 1."""


@dataclass(frozen=True)
class Needs:
    """What jobs of a run ask for; docs/workflow.md has what was measured.

    A job that failed and is tried again (`retries` of a profile) asks for twice as much: it may have been too little.

    Attributes:
        run: The run that the jobs belong to.
        raw: Whether they read all rows of the publisher's files, or those that the data set's entry keeps.
    """

    run: Run
    raw: bool = False

    def memory(self, base: int, per_million: int = 0) -> Need:
        """Return MB: a base (libraries), and so many more for each million rows."""
        return self._growing(base, per_million)

    def minutes(self, base: int, per_million: int = 0) -> Need:
        """Return minutes: a base, and so many more for each million rows."""
        return self._growing(base, per_million)

    def _growing(self, base: int, per_million: int) -> Need:
        def need(wildcards: Wildcards, attempt: int) -> int:
            once = base + per_million * self._rows(wildcards) / MILLION
            return round(once * 2 ** (attempt - 1))

        return need

    def _rows(self, wildcards: Wildcards) -> int:
        """Return the rows of a job's data set, or of the run's largest for a job that belongs to none."""
        known = self.run.registry.datasets
        own = dict(wildcards.items()).get("dataset")
        names = self.run.settings.datasets if own is None else [own]
        entries = [known[name] for name in names]
        rows = [entry.rows if self.raw else entry.kept_rows for entry in entries]
        return max(one or UNKNOWN for one in rows)
