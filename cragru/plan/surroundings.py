"""What surrounds a run: limits of the machine, and variables of other programs that would reach its jobs."""

from collections.abc import MutableMapping
from typing import Any

from cragru.plan.run import WHOLE_MACHINE

LIMITS = {"gpu": 1, "machine": WHOLE_MACHINE}
"""Most of a resource that jobs on this machine have at once; `--resources` and profiles overrule each by its name.

A timed job on a GPU asks for all of the `machine`, every other job for a thousandth: so it runs alone.
"""
IN_TURN = "in_turn"
"""What a single request asks 1 of: where a profile makes one job of many, they are served one after another."""

SHARE = {"machine": 1}  # of a job that names none
SET = {
    "DGLBACKEND": "pytorch",  # another backend of dgl's is not installed
    "MPLBACKEND": "agg",  # a notebook's cell names one that only a notebook has
}
UNSET = "PANDAS_FUTURE_"  # how variables begin that change types of columns


def hold_limits(workflow: Any) -> None:
    """Limit what jobs on this machine share, where neither the command line nor a profile does.

    They stand in no profile: Snakemake replaces all of a profile's `resources` by those of another profile or of the
    command line, and so one limit would take away the other. On a cluster its scheduler limits; only jobs that are one
    job of the cluster's together (`groups` of a profile) share what that one asks for.
    """
    workflow.resource_scopes[IN_TURN] = "local"  # each group has a limit of its own
    # `local_exec` is not yet known when a Snakefile is read
    is_cluster = workflow.resource_settings.nodes is not None
    if is_cluster:
        workflow.global_resources.setdefault(IN_TURN, 1)
        return
    for name, most in LIMITS.items():
        workflow.global_resources.setdefault(name, most)
    for name, share in SHARE.items():
        workflow.resource_settings._parsed_default_resources.setdefault(name, share)


def shield(environment: MutableMapping[str, str]) -> None:
    """Set and unset variables in an environment that jobs inherit."""
    for name in [name for name in environment if name.startswith(UNSET)]:
        del environment[name]
    environment.update(SET)
