"""Try dampings of an influence method, judged on validation rows."""

import importlib
import logging

from cragru.backbones.base import FactorModel
from cragru.core.errors import CragruError
from cragru.job import stage
from cragru.kept.csv_files import write_csv
from cragru.unlearning.damping import choose, search
from cragru.unlearning.files import job_context

log = logging.getLogger("cragru")


def main(job):
    shadows = list(map(FactorModel.load, job.input.shadows))
    frame = search(job_context(job), importlib.import_module(job.params.method), shadows)
    write_csv(job.output.csv, frame)
    try:
        chosen = choose(frame)
    except CragruError as error:
        log.warning("%s", error)
        return {"chosen": None, "reason": str(error)}
    log.info(
        "damping %g, by the rule of docs/unlearning.md; config/params.yaml says what is used",
        chosen,
    )
    return {"chosen": chosen}


if __name__ == "__main__":
    stage(snakemake, main)
