"""Serve a request with one unlearning method."""

import importlib
from pathlib import Path

from cragru.backbones.files import write_curve
from cragru.backbones.training import warm_up
from cragru.core.roles import Role
from cragru.job import stage
from cragru.kept.files import write_json
from cragru.unlearning.files import job_context, write_remaining_partition, write_shards
from cragru.unlearning.repeats import unlearn_repeatedly


def main(job):
    context = job_context(job)
    warm_up(job.params.device)
    unlearn = importlib.import_module(job.params.method).unlearn
    done = unlearn_repeatedly(unlearn, context, job.params.repeats)
    done.model.save(job.output.model)
    write_curve(job.output.curve, done.curve)
    write_json(job.output.cost, done.cost.as_dict())
    if "shards" in job.output.keys():  # noqa: SIM118  a Namedlist iterates over values
        count, deployed = context.method_options["shards"], job.input.get("shards") or None
        write_shards(job.output.shards, done.shards, count, deployed)
        write_remaining_partition(
            job.output.partition, job.input.partition, Path(job.input.record).parent
        )
    return {"device": done.cost.device, **done.facts}


if __name__ == "__main__":
    stage(snakemake, main, role=Role.UNLEARNS)
