"""Numbers of a configuration that a data set has not users enough for."""

import json
from collections.abc import Iterator
from pathlib import Path

from cragru.plan import places
from cragru.plan.run import Run

# the option `unit` of partitions that deal these out: no user need have a shard
OF_INTERACTIONS = "interactions"


def too_large(run: Run) -> Iterator[str]:
    """Shards, requests and cohorts that are more than there are users, where these are known."""
    users = {name: known_users(run, name) for name in run.registry.datasets}
    yield from _wrong_registry(run)
    yield from _shards(run, users)
    yield from _requests(run, users)
    yield from _cohort(run)


def known_users(run: Run, dataset: str) -> int | None:
    """How many users a data set has, by the registry or once it is prepared; None before."""
    entry = run.registry.datasets[dataset]
    return entry.users if entry.users is not None else _prepared_users(dataset)


def _prepared_users(dataset: str) -> int | None:
    """How many users were prepared; None where nothing was, or the file is damaged, which its readers tell."""
    path = Path(places.place(places.STATISTICS, dataset=dataset))
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return int(found["users"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _wrong_registry(run: Run) -> Iterator[str]:
    """What the registry says of users must be what was prepared."""
    for name, entry in run.registry.datasets.items():
        prepared = None if entry.users is None else _prepared_users(name)
        if prepared is not None and prepared != entry.users:
            file = run.settings.files.datasets
            yield f"{file}: datasets.{name}.users: got {entry.users}, but {prepared} were prepared; mend it"


def _shards(run: Run, users: dict[str, int | None]) -> Iterator[str]:
    """More shards than users is a slip, of interactions too; each entry is told of once for each data set."""
    file = run.settings.files.params
    for name, entry in run.params.methods.items():
        if entry.partition is None:
            continue
        for dataset, most in users.items():
            counts = [
                entry.options_in(dataset, backbone).get("shards")
                for backbone in run.params.backbones
            ]
            wrong = [count for count in counts if isinstance(count, int) and most and count > most]
            if wrong:
                yield (
                    f"{file}: methods.{name}.options.shards: got {wrong[0]} on {dataset}, which has {most} users; "
                    "take fewer there, by overrides"
                )


def _requests(run: Run, users: dict[str, int | None]) -> Iterator[str]:
    """No user is drawn twice."""
    asked = run.settings.requests.one_user
    for dataset in run.settings.datasets:
        most = users.get(dataset)
        if most is not None and asked > most:
            yield f"requests.one_user: got {asked}, but {dataset} has {most} users; take fewer"


def _cohort(run: Run) -> Iterator[str]:
    """The run's cohort, where the registry knows all users: of another data set the job takes who is there."""
    scoring, registry = run.settings.scoring, run.registry.datasets
    size = scoring.cohorts[scoring.cohort]
    known = [registry[name].users for name in run.settings.datasets if name in registry]
    if size is not None and known and None not in known and size > max(known):
        yield (
            f"scoring.cohorts.{scoring.cohort}: got {size}, but there are {max(known)} users; "
            "take fewer, or null for all"
        )
