"""Snakemake's scheduler has one timer at a time: by a scheduler that counts its passes."""

import threading

from snakemake.scheduling.job_scheduler import JobScheduler

from cragru.plan.passes import keep_one_timer


class Passes:
    """Counts passes, and asks for another in each, as Snakemake's scheduler does while jobs wait."""

    def __init__(self):
        self._open_jobs = threading.Semaphore(0)

    def _schedule_reevalutation(self, delay):
        threading.Timer(delay, self._open_jobs.release).start()

    def passes_within(self, seconds):
        count = 0
        while self._open_jobs.acquire(timeout=seconds):
            count += 1
        return count


def test_jobs_that_end_bring_no_further_timers():
    class Scheduler(Passes):
        pass

    keep_one_timer(Scheduler)
    scheduler = Scheduler()
    for _ in range(50):
        scheduler._schedule_reevalutation(0.02)
    assert scheduler.passes_within(0.3) == 1
    scheduler._schedule_reevalutation(0.02)
    assert scheduler.passes_within(0.3) == 1


def test_the_end_of_a_run_waits_for_no_timer():
    class Scheduler(Passes):
        pass

    keep_one_timer(Scheduler)
    before = set(threading.enumerate())
    Scheduler()._schedule_reevalutation(1000)
    (timer,) = set(threading.enumerate()) - before
    assert timer.daemon


def test_another_scheduler_is_left_as_it_is():
    class Scheduler:
        pass

    keep_one_timer(Scheduler)
    assert "_schedule_reevalutation" not in vars(Scheduler)


def test_the_pinned_snakemake_has_such_timers():
    assert hasattr(JobScheduler, "_schedule_reevalutation")
