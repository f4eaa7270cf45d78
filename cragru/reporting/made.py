"""What made a run's tables and figures: the jobs behind them, by the manifests beside their files."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from cragru.core.names import SOURCE_FILE
from cragru.kept.manifest import Makers, read_manifest


@dataclass
class Made:
    """The jobs behind some files.

    Attributes:
        jobs: How many there are of each rule.
        edges: Pairs of rules of which the second reads what the first makes.
        commits: Of the checkouts that they ran in.
        processors: The kinds that they ran on.
        versions: Of the programs that they used, by name; several where they differ.
    """

    jobs: Counter[str] = field(default_factory=Counter)
    edges: set[tuple[str, str]] = field(default_factory=set)
    commits: list[str] = field(default_factory=list)
    processors: list[str] = field(default_factory=list)
    versions: dict[str, list[str]] = field(default_factory=dict)


def made_behind(names: Iterable[str]) -> Made:
    """Follow files back to what was published, by manifests; what is no job's (own files, raw data) ends a path.

    Raises:
        CragruError: If a manifest is damaged.
    """
    made, makers = Made(), Makers()
    rules: dict[str, str] = {}  # by manifest
    waiting: list[tuple[str, str | None]] = [(name, None) for name in names]
    while waiting:
        name, reader = waiting.pop()
        for manifest, _ in makers.of(name):
            if manifest.endswith(SOURCE_FILE):
                continue
            if manifest not in rules:
                record = read_manifest(manifest)
                rule = rules[manifest] = record["rule"]
                _note(made, record)
                waiting += [(one, rule) for one in record["inputs"]]
            if reader is not None and rules[manifest] != reader:
                made.edges.add((rules[manifest], reader))
    return made


def _note(made: Made, record: dict) -> None:
    made.jobs[record["rule"]] += 1
    for value, known in (
        (record["commit"], made.commits),
        (record.get("processor"), made.processors),
    ):
        if value is not None and value not in known:
            known.append(value)
    for name, version in record["versions"].items():
        known = made.versions.setdefault(name, [])
        if version not in known:
            known.append(version)
