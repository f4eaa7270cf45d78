# What the rules share: the checked configuration, what the plan makes of it, and wildcards.
import atexit
import os
import re
import sys
from pathlib import Path

from snakemake.dag import DAG
from snakemake.scheduling.job_scheduler import JobScheduler

from cragru.audit.commitment import check_key
from cragru.config.base import load_yaml
from cragru.config.types import OPTION
from cragru.config.given import check_module, laid_over, take_command_line, take_files
from cragru.rerun.digest import AS_PLANNED, code_digest, state
from cragru.kept.machine import checked_or_exit, killed
from cragru.core.names import (
    ENCODER,
    FORMS,
    FUSIONS,
    HISTORIES,
    ORIGINAL,
    OTHER,
    OWN,
    TRAINING,
)
from cragru.written.paths import check_variables, make_cache_folder
from cragru.plan import places
from cragru.plan.ancient import plan_behind_ancient
from cragru.plan.certificates import Certificates
from cragru.plan.copies import Copies
from cragru.plan.listing import as_line, expected_time, first_words
from cragru.plan.loading import load_project
from cragru.plan.needs import Needs
from cragru.plan.passes import keep_one_timer
from cragru.plan.purged import Purged
from cragru.plan.report import Report
from cragru.plan.requests import Requests
from cragru.plan.cells import ORDERS, SHOWN, TABLE_STRATEGY
from cragru.plan.scoring import Scoring
from cragru.plan.surroundings import hold_limits, shield
from cragru.plan.targets import asked_of
from cragru.plan.showing import Showing
from cragru.plan.training import Training

keep_one_timer(JobScheduler)
plan_behind_ancient(DAG)
hold_limits(workflow)
shield(os.environ)
if workflow.is_main_process:
    os.environ[AS_PLANNED] = state()  # before any digest, for jobs to compare
checked_or_exit(check_variables, os.environ)
if (
    is_module
):  # what the other Snakefile gives is laid over the default run, as a --configfile would be
    checked_or_exit(check_module, workflow.modifier.path_modifier)
    config.update(laid_over(load_yaml(default), config))
else:
    take_files(config, contents)
    checked_or_exit(take_command_line, config, workflow.config_settings.config_args)
project = checked_or_exit(load_project, config, root, workflow.is_main_process)

settings = project.settings
requests = Requests(project)
training = Training(project)
scoring = Scoring(project)
showing = Showing(project)
certificates = Certificates(project)
copies = Copies(project)
needs, raw_needs = Needs(project), Needs(project, raw=True)
run_page = Report(project, showing, certificates)
gone = checked_or_exit(Purged)
people = asked_of(sys.argv)
ASKED_FORMS = [form for form in FORMS if form != ENCODER]


def one_of(names):
    """A wildcard constraint that matches these names and, where there is none, nothing at all."""
    return "|".join(re.escape(str(name)) for name in names) or "(?!)"


def one_or_variant(names):
    """A wildcard constraint that matches these names of params.yaml, and variants of them."""
    return f"({one_of(names)})({OPTION})*"


def say_time():
    if workflow.dryrun and workflow.dag:
        planned = workflow.dag.needrun_jobs(exclude_finished=False)
        jobs = [job for job in planned if not job.rule.norun]
        if jobs:
            print(f"cragru: {expected_time([job.benchmark for job in jobs])}")


if workflow.is_main_process and not is_module:  # Snakemake has no hook for dry runs
    atexit.register(say_time)


# An input that is a folder is `ancient`: Snakemake knows one by its dates alone, which a copy changes. The manifest of the
# job that makes it is an input beside it, and is compared by content as files are; for published files, their entry is.
wildcard_constraints:
    dataset=gone.not_in(one_of(project.registry.datasets)),
    protocol=one_of(project.protocols),
    seed=r"\d+",
    request=r"[A-Za-z0-9][A-Za-z0-9.-]*",
    backbone=one_or_variant(project.params.backbones),
    method=one_or_variant(project.params.methods),
    shadows=r"[1-9]\d*",
    model=f"{ORIGINAL}|{one_or_variant(project.params.methods)}",
    run=gone.not_in(re.escape(settings.run)),
    candidates_of="original|retrain",
    strategy=one_or_variant(project.params.strategies),
    order=one_of(ORDERS),
    history=one_of(HISTORIES),
    form=one_of(FORMS),
    fusion=one_of(FUSIONS),
    llm=one_of(project.llms.llms),
    cohort=one_of(settings.scoring.cohorts),
    batch="[A-Za-z0-9./@=_+-]+",
    share=r"\d+",
    shares=r"\d+",
