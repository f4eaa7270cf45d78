"""Try learning rates and patiences of a method's training, judged on validation rows."""

import importlib
import logging

from cragru.job import stage
from cragru.kept.csv_files import write_csv
from cragru.unlearning.files import job_context
from cragru.unlearning.tuning import choose, search

log = logging.getLogger("cragru")


def main(job):
    frame = search(job_context(job), importlib.import_module(job.params.method))
    write_csv(job.output.csv, frame)
    rate, patience = choose(frame)
    log.info(
        "learning_rate %g, patience %d, under this seed; config/params.yaml says what is used",
        rate,
        patience,
    )
    return {"learning_rate": rate, "patience": patience}


if __name__ == "__main__":
    stage(snakemake, main)
