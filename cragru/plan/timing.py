"""How long jobs take, by what Snakemake wrote of earlier ones, and how long a run still has."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from statistics import fmean

from cragru.core.place import PathLike
from cragru.plan import places

SHORT = 2.0  # seconds of a job that its rule does not time, before one of the rule has ended
DOUBT = (
    30.0  # seconds of work on one core after which a run shows as much as the number of cores does
)


class Times:
    """Seconds of jobs so far. Each rule's files are read once; `learn` adds those that a run writes."""

    def __init__(self) -> None:
        self._rules: dict[str, dict[PurePath, float]] = {}

    def expected(self, benchmark: PathLike) -> float | None:
        """Return the mean of a rule's nearest jobs: those that share most wildcards, before all the job itself.

        Args:
            benchmark: Where the job writes its seconds.
        """
        path = PurePath(benchmark)
        known = self._of_rule(path)
        alike = {file: sum(map(str.__eq__, file.parts, path.parts)) for file in known}
        most = max(alike.values(), default=0)
        return fmean(known[file] for file in alike if alike[file] == most) if alike else None

    def learn(self, benchmark: PathLike) -> None:
        """Take in what a job has written."""
        path = PurePath(benchmark)
        seconds = _seconds(Path(path))
        if seconds is not None:
            self._of_rule(path)[path] = seconds

    def _of_rule(self, path: PurePath) -> dict[PurePath, float]:
        """Return the seconds of each job of a rule; of none where benchmarks lie elsewhere."""
        if not path.is_relative_to(places.BENCHMARKS):
            return {}
        rule = path.relative_to(places.BENCHMARKS).parts[0]
        if rule not in self._rules:
            files = Path(places.BENCHMARKS, rule).rglob("*.tsv")
            read = {PurePath(file): _seconds(file) for file in files}
            self._rules[rule] = {file: one for file, one in read.items() if one is not None}
        return self._rules[rule]


def _seconds(file: Path) -> float | None:
    """Return the seconds of a benchmark, as Snakemake writes it: one row below the header; None of half a file."""
    try:
        return float(file.read_text(encoding="utf-8").splitlines()[1].partition("\t")[0])
    except (OSError, ValueError, IndexError):
        return None


@dataclass(frozen=True)
class Planned:
    """A job that a run will do.

    Attributes:
        rule: Its rule.
        benchmark: Where it writes its seconds; None where the rule does not time its jobs, which are short then.
        threads: How many cores it takes.
    """

    rule: str
    benchmark: PathLike | None
    threads: int


class Forecast:
    """How long a run still has: what is left of its jobs, at the pace at which it has worked so far.

    It knows nothing of which job waits for which, but that no run ends before its longest job.
    """

    def __init__(self, jobs: Mapping[int, Planned], cores: int, times: Times, now: float) -> None:
        """Take the plan.

        Args:
            jobs: All jobs of the run.
            cores: How many cores it has.
            times: Of earlier jobs.
            now: When it begins, in seconds of a clock.
        """
        self._open, self._cores, self._times, self._began = dict(jobs), cores, times, now
        self._started: dict[int, float] = {}
        self._untimed: dict[str, list[float]] = {}
        self._work = 0.0
        self._expected = {number: self._expect(job) for number, job in jobs.items()}

    def start(self, number: int, now: float) -> None:
        """Note that a job has started."""
        self._started[number] = now

    def finish(self, number: int, now: float) -> None:
        """Note that a job has ended, and learn from it how long others of its rule will take."""
        job = self._open.pop(number)
        seconds = now - self._started.pop(number, now)
        self._work += seconds * self._width(job)
        if job.benchmark is None:
            self._untimed.setdefault(job.rule, []).append(seconds)
        else:
            self._times.learn(job.benchmark)
        others = [other for other in self._open if self._open[other].rule == job.rule]
        self._expected |= {other: self._expect(self._open[other]) for other in others}

    def left(self, now: float) -> float | None:
        """Return the seconds that the run still has; None while a job's rule has never run here."""
        work, left, longest = self._work, 0.0, 0.0
        for number, job in self._open.items():
            expected = self._expected[number]
            if expected is None:
                return None
            past = now - self._started.get(number, now)
            rest = max(expected - past, 0)
            work += past * self._width(job)
            left += rest * self._width(job)
            longest = max(longest, rest)
        pace = (now - self._began + DOUBT / self._cores) / (work + DOUBT)
        return max(left * pace, longest)

    def _width(self, job: Planned) -> int:
        return min(job.threads, self._cores)

    def _expect(self, job: Planned) -> float | None:
        if job.benchmark is None:
            return fmean(self._untimed.get(job.rule, [SHORT]))
        return self._times.expected(job.benchmark)
