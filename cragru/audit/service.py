"""What serves after a run's own requests, for whoever deploys it and for whoever reads it."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from tabulate import tabulate

from cragru.core.request import Request
from cragru.plan.places import PAGE_FILE

Record = dict[str, Any]
ALONE = (
    "Each request was served alone, from the deployed state, as a comparison of methods needs it. "
    "So no state is without the rows of all of them."
)


def in_service(certificates: Mapping[str, Record], in_turn: bool) -> list[Record]:
    """Return each state of the run's requests, the requests behind it, and its models in service.

    Args:
        certificates: By file, in the order in which the requests were served.
        in_turn: Whether each request started from what the earlier ones left.

    Returns:
        A record for each data set, protocol and seed. Where requests are in turn, `serves` is the folder of what serves
        now, and `models` are the guarantees of its models, by file; else both are None.
    """
    states: dict[tuple[str, str, int], Record] = {}
    for path, certificate in certificates.items():
        request = Request.of(certificate["request"])
        names = {"dataset": request.dataset, "protocol": request.protocol, "seed": request.seed}
        state = states.setdefault(request[:3], names | {"requests": []})
        removed = certificate["commitment"]
        state["requests"].append(
            {
                "request": request.request,
                "date": certificate["date"],
                "interactions": removed["interactions"] + removed["held_out_interactions"],
                "users": removed["users"],
                "certificate": path,
            }
        )
        state["serves"] = certificate["state"]["after"] if in_turn else None
        state["models"] = certificate["models"] if in_turn else None
    return list(states.values())


def service_page(run: str, states: list[Record]) -> str:
    """Return the same as Markdown."""
    lines = [f"# Deletion requests of the run `{run}`", ""]
    for state in states:
        lines += [
            f"## {state['dataset']}, protocol `{state['protocol']}`, seed {state['seed']}",
            "",
        ]
        rows = []
        for request in state["requests"]:
            page = PurePosixPath(request["certificate"]).with_name(PAGE_FILE)
            counts = [request[name] for name in ("interactions", "users", "date")]
            rows.append([request["request"], *counts, f"`{page}`"])
        headers = ["request", "interactions removed", "users", "certified", "page"]
        lines += [tabulate(rows, headers, tablefmt="pipe"), ""]
        if state["serves"] is None:
            lines += [ALONE, ""]
            continue
        names = ", ".join(f"`{request['request']}`" for request in state["requests"])
        lines += [f"In service: `{state['serves']}`, without the rows of {names}.", ""]
        models = [(f"`{path}`", guarantee) for path, guarantee in state["models"].items()]
        lines += [tabulate(models, ["model", "guarantee"], tablefmt="pipe"), ""]
    return "\n".join(lines)
