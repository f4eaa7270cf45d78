"""One timer for the passes of Snakemake's scheduler, instead of one more with each job.

To keep to a rate of jobs, each pass of the scheduler of Snakemake 9 starts a timer that brings a further pass. A job
that ends brings a pass, too, so after 200 jobs there are 200 passes a second: a fifth of a core, for which a language
model's threads wait for one another.
"""

import threading
from typing import Any


def keep_one_timer(scheduler: type) -> None:
    """Let a scheduler start a timer only when the last one has fired.

    Args:
        scheduler: Snakemake's `JobScheduler`. One that starts its timers in another way is left as it is.
    """
    name = "_schedule_reevalutation"
    if hasattr(scheduler, name):
        setattr(scheduler, name, _schedule_one)


def _schedule_one(scheduler: Any, delay: float) -> None:
    """Bring a pass after `delay` seconds, unless one is to come already."""
    if vars(scheduler).get("is_pass_to_come"):
        return

    def bring() -> None:
        scheduler.is_pass_to_come = False
        scheduler._open_jobs.release()

    scheduler.is_pass_to_come = True
    timer = threading.Timer(delay, bring)
    timer.daemon = True  # the end of a run waits for none
    timer.start()
