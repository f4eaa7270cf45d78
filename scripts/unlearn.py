"""Serve a request with one unlearning method."""

import importlib
from pathlib import Path

from cragru.backbones.base import TrainingOptions
from cragru.backbones.training import warm_up
from cragru.data.parts import read_parts, read_sizes
from cragru.io import write_json
from cragru.smk import stage
from cragru.unlearning.base import Context
from cragru.unlearning.files import training_data, write_curve


def main(job):
    def read_remain():
        parts = read_parts(Path(job.input.record).parent, ["train", "valid"])
        return training_data(parts["train"], parts["valid"], read_sizes(job.input.statistics))

    context = Context(
        read_remain=read_remain,
        module=job.params.module,
        backbone=job.wildcards.backbone,
        options=TrainingOptions(**job.params.options),
        method_options=job.params.method_options,
        seed=int(job.wildcards.seed),
        device=job.params.device,
    )
    warm_up(job.params.device)
    done = importlib.import_module(job.params.method).unlearn(context)
    done.model.save(job.output.model)
    write_curve(job.output.curve, done.curve)
    write_json(job.output.cost, done.cost.as_dict())
    return {"device": done.cost.device}


if __name__ == "__main__":
    stage(snakemake, main)
