"""What a run prints: a line at its start, one for each job that ends, what has failed, and where to look.

All that Snakemake itself says goes to its log as before. On the screen its banner, its table of jobs and ten lines a
job would hide what a job has to say.
"""

import logging
import re
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from cragru.plan import places
from cragru.plan.listing import expected_time
from cragru.plan.timing import Forecast, Planned, Times

SCREEN = (
    "DefaultStreamHandler"  # how Snakemake calls what prints; a `--logger` may stand in its place
)
OWN = ("dryrun", "verbose", "quiet", "debug_dag", "printshellcmds")
"""Settings of Snakemake's output: whoever sets one gets what Snakemake prints."""

NOISE = re.compile(r"Config file |Workflow defines that rule |Assuming unrestricted shared file")
"""Of what Snakemake says before it runs anything. Its other words answer a command, such as `--list`."""
TOLD = re.compile(
    r"Nothing to be done|Creating conda env|Downloading and installing|Pulling singularity"
    r"|Waiting at most|Trying to restart|Terminating processes|Will exit after"
)
"""Of what Snakemake says in a run: why nothing happens, or why it takes so long."""
SAID = re.compile(
    r"CalledProcessError.*(?:returned non-zero exit status 1\.|died with <Signals\.SIGINT)"
    r"|Exiting because a job",
    re.DOTALL,
)
"""Errors that say less than a job has said itself, which ends by status 1 after its own line, or by a Ctrl-C."""
WHOLE_LOG = re.compile(r"Complete log\(s\): (.*)")
CLEARED = "\r\x1b[K"  # of a bar that a job draws on a terminal


@dataclass(frozen=True)
class Started:
    """What Snakemake says of a job that it starts.

    Attributes:
        rule: Its rule.
        message: What it does; None where its rule has no words for that.
        at: When it starts, in seconds since the first.
    """

    rule: str
    message: str | None
    at: float

    @property
    def words(self) -> str:
        """What it is called in a line: its rule and what it does."""
        return f"{self.rule}  {' '.join(self.message.split())}" if self.message else self.rule


def done_line(done: int, total: int, now: float, job: Started, left: float | None) -> str:
    """Return the line of a job that has ended well.

    Args:
        done: How many jobs have.
        total: How many there are.
        now: Seconds since the first one started.
        job: The job.
        left: Seconds that the run still has; None if they are not known.
    """
    more = f"; {length(left)} left" if left is not None and done < total else ""
    took = f"{now - job.at:.1f} s" if now - job.at < 60 else clock(now - job.at)
    return f"[{done:{len(str(total))}}/{total}] {clock(now)}  {job.words} ({took}{more})"


def failed_line(total: int, now: float, job: Started, logs: Collection[str]) -> str:
    """Return the line of a job that has failed, with its log."""
    where = f"; its log: {', '.join(logs)}" if logs else ""
    return f"[{'failed':^{2 * len(str(total)) + 1}}] {clock(now)}  {job.words}{where}"


def clock(seconds: float) -> str:
    """Return a time as minutes and seconds, with hours where there are any."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def length(seconds: float) -> str:
    """Return a time that is not known exactly: to ten seconds, then to a minute."""
    if seconds < 90:
        return f"about {max(10, 10 * round(seconds / 10))} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"about {hours} h {minutes} min" if hours else f"about {minutes} min"


class Course:
    """The jobs of a run: which have started, ended and failed, as a line each."""

    def __init__(self, jobs: dict[int, Planned], forecast: Forecast | None, now: float) -> None:
        """Take the plan.

        Args:
            jobs: The jobs of the run by Snakemake's number, without mere targets.
            forecast: Of the time that is left; None where it cannot be told.
            now: When it begins, in seconds of a clock.
        """
        self.total = len(jobs)
        self._jobs, self._forecast, self._began = jobs, forecast, now
        self._started: dict[int, Started] = {}
        self._done: set[int] = set()
        self._failed: set[int] = set()

    def first_line(self) -> str:
        """Say how many jobs there are, how long they will take, and where they write."""
        jobs = "1 job" if self.total == 1 else f"{self.total} jobs"
        line = f"{jobs} to do, with logs in {places.LOGS}"
        benchmarks = [job.benchmark for job in self._jobs.values()]
        if self._forecast is None or not any(benchmarks):
            return line
        return f"{line}; {expected_time(benchmarks)}"

    def start(self, number: int, rule: str, message: str | None, now: float) -> None:
        """Note that a job has started."""
        if number in self._jobs:
            self._started[number] = Started(rule, message, now - self._began)
            if self._forecast is not None:
                self._forecast.start(number, now)

    def finish(self, number: int, now: float) -> str | None:
        """Return the line of a job that has ended; None for a mere target."""
        if number not in self._jobs or number in self._done:
            return None
        self._done.add(number)
        self._failed.discard(number)  # at an earlier try
        left = None
        if self._forecast is not None:
            self._forecast.finish(number, now)
            left = self._forecast.left(now)
        at = now - self._began
        job = self._started.get(number) or Started(self._jobs[number].rule, None, at)
        return done_line(len(self._done), self.total, at, job, left)

    def fail(self, number: int, rule: str, logs: Collection[str], now: float) -> str:
        """Return the line of a job that has failed. From then on nobody knows how many jobs there will be."""
        self._forecast = None
        self._failed.add(number)
        at = now - self._began
        job = self._started.get(number) or Started(rule, None, at)
        return failed_line(self.total, at, job, logs)

    def last_line(self, log: str) -> str | None:
        """Say how far a run came that has not done all, and where Snakemake's log is; None for one that has."""
        done = len(self._done)
        if done == self.total:
            return None
        return f"{done} of {self.total} jobs are done, {len(self._failed)} failed; Snakemake's log: {log}"


class Screen(logging.Handler):
    """Stands before Snakemake's handler of the screen: prints lines of its own, and lets through what is left."""

    def __init__(self, theirs: Any, workflow: Any) -> None:
        """Take the place of a handler.

        Args:
            theirs: Snakemake's handler of the screen.
            workflow: Snakemake's workflow.
        """
        super().__init__()
        self._theirs, self._workflow = theirs, workflow
        self._is_running = False
        self._course: Course | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Print what a record says, in a line of ours or in Snakemake's words, or nothing."""
        try:
            line = self._line(record)
            if line:
                self._print(line)
            if self._passes(record):
                self._theirs.handle(record)
        except Exception:  # what cannot be shown ends no run
            self.handleError(record)

    def _line(self, record: Any) -> str | None:
        """Return the line that stands for what Snakemake says."""
        event, now = getattr(record, "event", None), time.monotonic()
        if event == "workflow_started":
            self._is_running = True
        elif event == "job_started" and self._course is None:
            self._course = self._planned(now)
            return self._course.first_line() if self._course.total else None
        elif self._course is None:
            return None
        elif event == "job_info":
            self._course.start(record.jobid, record.rule_name, record.rule_msg, now)
        elif event == "job_finished":
            return self._course.finish(record.job_id, now)
        elif event == "job_error":
            return self._course.fail(record.jobid, record.rule_name, record.log, now)
        elif found := WHOLE_LOG.match(str(record.msg)):
            return self._course.last_line(found[1])
        return None

    def _passes(self, record: Any) -> bool:
        """Whether Snakemake's words of it are printed: errors, and what tells why a run waits."""
        event, text = getattr(record, "event", None), str(record.msg)
        if event == "job_error":  # with --show-failed-logs it has the job's log
            return self._workflow.output_settings.show_failed_logs
        if NOISE.match(text):
            return False
        if record.levelno >= logging.WARNING:
            return not SAID.search(text)
        return not self._is_running or (event is None and bool(TOLD.match(text)))

    def _planned(self, now: float) -> Course:
        """Return the plan, when the first job is about to start."""
        workflow = self._workflow
        jobs = {
            job.jobid: Planned(job.rule.name, job.benchmark, job.threads)
            for job in workflow.dag.needrun_jobs(exclude_finished=False)
            if not job.rule.norun
        }
        forecast = None
        if (
            workflow.local_exec and not workflow.touch
        ):  # a cluster has its jobs wait, for long or not
            forecast = Forecast(jobs, workflow.cores, Times(), now)
        return Course(jobs, forecast, now)

    def _print(self, line: str) -> None:
        stream = self._theirs.stream
        stream.write(f"{CLEARED if stream.isatty() else ''}{line}\n")
        stream.flush()


def take_the_screen(workflow: Any, logger: logging.Logger) -> None:
    """Print a run's course in place of what Snakemake prints, unless somebody has asked for that.

    Args:
        workflow: Snakemake's workflow. Of one that plans only, or is a job of another, all is left as it is.
        logger: Snakemake's.
    """
    settings = workflow.output_settings
    if not workflow.is_main_process or any(getattr(settings, name) for name in OWN):
        return
    for handler in logger.handlers:
        if handler.name == SCREEN:
            logger.removeHandler(handler)
            logger.addHandler(Screen(handler, workflow))
