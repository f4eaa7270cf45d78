"""Numbers of a configuration that a data set has not users enough for."""

import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from cragru.core.errors import Problem
from cragru.plan import places
from cragru.plan.run import Run


def too_large(run: Run) -> Iterator[Problem]:
    """Yield numbers of shards, requests and users that are more than there are users, where these are known."""
    users = {}
    for name, entry in run.registry.datasets.items():
        prepared = _prepared_users(name)
        users[name] = entry.users or prepared
        if prepared and prepared != users[name]:
            place = f"{run.settings.files.datasets}: datasets.{name}.users"
            yield Problem(f"{prepared} were prepared", place, entry.users, advice="mend it")
    yield from _shards(run, users)
    asked = run.settings.requests.one_user  # no user is drawn twice
    for name in run.settings.datasets:
        most = users.get(name)
        if most and asked > most:
            what = f"{name} has {most} users"
            yield Problem(what, "requests.one_user", asked, advice="take fewer")
    yield from _cohort(run)


def _prepared_users(dataset: str) -> int | None:
    """Return how many users were prepared; None where nothing was, or the file is damaged, which its readers tell."""
    path = Path(places.place(places.STATISTICS, dataset=dataset))
    try:
        return int(json.loads(path.read_bytes())["users"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _shards(run: Run, users: dict[str, int | None]) -> Iterator[Problem]:
    for name, entry in run.params.methods.items():
        place = f"{run.settings.files.params}: methods.{name}.options.shards"
        for dataset, backbone in product(users, run.params.backbones):
            count, most = entry.options_in(dataset, backbone).get("shards"), users[dataset]
            if entry.partition and isinstance(count, int) and most and count > most:
                what = f"{dataset} has {most} users"
                yield Problem(what, place, count, advice="take fewer there, by overrides")


def _cohort(run: Run) -> Iterator[Problem]:
    """Yield a cohort of too many where the registry knows all users: else, the job takes who is there."""
    scoring, registry = run.settings.scoring, run.registry.datasets
    size = scoring.cohorts[scoring.cohort]
    known = [registry[name].users for name in run.settings.datasets if name in registry]
    if size and known and None not in known and size > max(known):
        place, advice = f"scoring.cohorts.{scoring.cohort}", "take fewer, or null for all"
        yield Problem(f"there are {max(known)} users", place, size, advice=advice)
