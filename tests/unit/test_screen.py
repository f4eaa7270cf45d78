"""What a run prints, line by line; Snakemake's handlers, settings and events are its own."""

import io
import logging
from types import SimpleNamespace

import pytest
from snakemake.logging import LoggerManager
from snakemake.settings.enums import Quietness
from snakemake.settings.types import OutputSettings
from snakemake_interface_logger_plugins.common import LogEvent

from cragru.plan.screen import (
    Course,
    Started,
    clock,
    done_line,
    failed_line,
    length,
    take_the_screen,
)
from cragru.plan.timing import Planned

ENDED = "CalledProcessError in file \"split.smk\", line 23:\nCommand 'python split.py'"
TRAIN = Started("train", "Train bpr", 90.0)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.4, "0:00"), (59.6, "1:00"), (192, "3:12"), (3600, "1:00:00"), (36_061, "10:01:01")],
)
def test_the_clock(seconds, shown):
    assert clock(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "10 s"),
        (14, "10 s"),
        (84, "80 s"),
        (91, "2 min"),
        (3540, "59 min"),
        (7800, "2 h 10 min"),
    ],
)
def test_lengths_are_as_exact_as_they_are_known(seconds, shown):
    assert length(seconds) == f"about {shown}"


@pytest.mark.parametrize(
    ("done", "now", "left", "line"),
    [
        (57, 94.12, 420, "[ 57/221] 1:34  train  Train bpr (4.1 s; about 7 min left)"),
        (57, 94.12, None, "[ 57/221] 1:34  train  Train bpr (4.1 s)"),
        (221, 290, 0, "[221/221] 4:50  train  Train bpr (3:20)"),
    ],
)
def test_the_line_of_a_job(done, now, left, line):
    assert done_line(done, 221, now, TRAIN, left) == line


def test_the_line_of_a_failed_job_is_as_wide_and_names_its_log():
    line = failed_line(221, 94.12, TRAIN, ["logs/train.log"])
    assert line.startswith("[failed ] 1:34  train  Train bpr") and line.endswith(" logs/train.log")
    assert line.index("]") == done_line(1, 221, 94.12, TRAIN, None).index("]")


def test_a_message_of_several_lines_is_one():
    assert Started("train", "Train\n  bpr\n", 0).words == "train  Train bpr"
    assert Started("train", None, 0).words == "train"


def test_a_job_that_fails_and_ends_well_at_its_next_try_is_done():
    course = Course({1: Planned("train", None, 1), 2: Planned("table", None, 1)}, None, 0)
    course.start(1, "train", "Train bpr", 1)
    assert "train.log" in course.fail(1, "train", ["train.log"], 2)
    assert "1 failed" in course.last_line("all.log")
    course.start(1, "train", "Train bpr", 3)
    assert course.finish(1, 4).startswith("[1/2] 0:04  train  Train bpr (1.0 s")
    last = course.last_line("all.log")
    assert "1 of 2" in last and "0 failed" in last and last.endswith("all.log")
    assert course.finish(2, 5) and course.last_line("all.log") is None


class Stage:
    """Snakemake's logger with the handlers that some settings bring, before a workflow of two jobs and a target."""

    def __init__(self, **settings):
        self.logger = logging.Logger("snakemake of a test")
        settings = OutputSettings(**settings)
        LoggerManager(self.logger, settings)
        (self.handler,) = self.logger.handlers
        self.handler.stream = self.screen = io.StringIO()
        rules = ("split", False), ("train", False), ("all", True)
        jobs = [
            SimpleNamespace(
                jobid=number,
                rule=SimpleNamespace(name=name, norun=norun),
                benchmark=None,
                threads=1,
            )
            for number, (name, norun) in enumerate(rules)
        ]
        dag = SimpleNamespace(needrun_jobs=lambda exclude_finished: iter(jobs))
        self.workflow = SimpleNamespace(
            output_settings=settings,
            is_main_process=True,
            local_exec=True,
            touch=False,
            cores=2,
            dag=dag,
        )

    def take(self):
        take_the_screen(self.workflow, self.logger)
        return self

    def say(self, text, event=None, level=logging.INFO, **more):
        self.logger.log(level, text, extra={"event": event, **more} if event else None)

    def begin(self):
        self.say("Building DAG of jobs...")
        self.say("Provided cores: 2", LogEvent.RESOURCES_INFO)
        self.say("Execute 1 jobs...", LogEvent.JOB_STARTED, jobs=[0])

    def do(self, number):
        of = {"jobid": number, "rule_name": "split", "rule_msg": f"Do {number}"}
        self.say("Rule", LogEvent.JOB_INFO, **of)
        self.say("Finished", LogEvent.JOB_FINISHED, job_id=number)
        self.say(None, LogEvent.PROGRESS, done=1, total=3)

    def fail(self, number):
        of = {"jobid": number, "rule_name": "split", "rule_msg": None, "log": ["logs/split.log"]}
        of |= {"input": [], "output": [], "conda_env": None, "shellcmd": None, "aux": {}}
        self.say("Error in rule", LogEvent.JOB_ERROR, logging.ERROR, **of)

    @property
    def lines(self):
        return self.screen.getvalue().splitlines()


def started(**settings):
    stage = Stage(**settings).take()
    stage.say("Workflow has started!", LogEvent.WORKFLOW_STARTED)
    return stage


def test_a_run_is_a_line_and_one_for_each_job():
    stage = started()
    stage.begin()
    for number in range(3):
        stage.do(number)
    stage.say("Complete log(s): /there.log")
    first, *others = stage.lines
    assert first.startswith("2 jobs")
    assert [line.split("]")[0] for line in others] == ["[1/2", "[2/2"]


def test_a_failed_job_has_its_log_and_the_end_has_that_of_snakemake():
    stage = started()
    stage.begin()
    stage.fail(0)
    stage.say("Complete log(s): /there.log")
    _, failed, last = stage.lines
    assert failed.startswith("[fail") and "logs/split.log" in failed
    assert "0 of 2" in last and "/there.log" in last


def test_logs_of_failed_jobs_are_shown_to_who_asks_for_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/split.log").write_text("no memory\n")
    stage = started(show_failed_logs=True)
    stage.begin()
    stage.fail(0)
    assert "no memory" in stage.lines


@pytest.mark.parametrize(
    ("text", "level", "is_shown"),
    [
        ("Nothing to be done (all is there).", logging.INFO, True),
        ("Trying to restart job 7.", logging.INFO, True),
        ("Select jobs to execute...", logging.INFO, False),
        ("Files are missing", logging.WARNING, True),
        ("MissingOutputException in rule split", logging.ERROR, True),
        (f"{ENDED} returned non-zero exit status 1.", logging.ERROR, False),
        (f"{ENDED} returned non-zero exit status 137.", logging.ERROR, True),
        (f"{ENDED} died with <Signals.SIGINT: 2>.", logging.ERROR, False),
        (f"{ENDED} died with <Signals.SIGKILL: 9>.", logging.ERROR, True),
    ],
)
def test_of_snakemakes_words_a_run_shows_errors_and_why_it_waits(text, level, is_shown):
    stage = started()
    stage.say(text, level=level)
    assert bool(stage.lines) is is_shown


def test_what_answers_a_command_is_shown():
    stage = Stage().take()
    stage.say("Workflow defines that rule split is eligible for caching", level=logging.WARNING)
    stage.say("all")
    stage.say("Unlocked working directory.")
    assert stage.lines == ["all", "Unlocked working directory."]


@pytest.mark.parametrize(
    "asked",
    [
        {"dryrun": True},
        {"verbose": True},
        {"debug_dag": True},
        {"printshellcmds": True},
        {"quiet": {Quietness.HOST}},
    ],
)
def test_whoever_asks_for_snakemakes_words_gets_them(asked):
    stage = Stage(**asked).take()
    assert stage.logger.handlers == [stage.handler]


def test_a_job_of_another_snakemake_and_a_logger_of_ones_own_are_left_alone():
    stage = Stage()
    stage.workflow.is_main_process = False
    assert stage.take().logger.handlers == [stage.handler]
    stage = Stage()
    stage.handler.name = "somebody's"
    assert stage.take().logger.handlers == [stage.handler]


def test_what_cannot_be_shown_ends_no_run(capsys):
    stage = started()
    stage.workflow.dag = None
    stage.begin()
    assert "AttributeError" in capsys.readouterr().err
    stage.say("Files are missing", level=logging.WARNING)
    assert stage.lines == ["Files are missing"]


def test_on_a_terminal_a_line_takes_the_place_of_a_bar():
    stage = started()
    stage.screen.isatty = lambda: True
    stage.begin()
    assert stage.screen.getvalue().startswith("\r\x1b[K2 jobs")


def test_touched_files_take_no_time():
    stage = started()
    stage.workflow.touch = True
    stage.begin()
    stage.do(0)
    assert not [line for line in stage.lines if "about" in line or "left" in line]
